// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyTransport

/// Local clusters: start, stop, nodes, terminate. `ClusterFinder` lists them. The composition of what the rest of this target does.
package struct Clusters: Sendable {
    package let store: ClusterStore
    let engine: PodmanEngine
    /// The folder with node-image and what it builds from.
    let images: String
    let progress: Progress
    /// On whose behalf, for whoever has to wait.
    let who: String
    /// The kernel's routes (proc(5)): the networks in use besides podman's.
    let routes: String

    package init(
        store: ClusterStore, podman: PodmanEnvironment, images: String, progress: Progress, who: String,
        routes: String = "/proc/net/route"
    ) {
        self.store = store
        engine = PodmanEngine(podman: podman)
        self.images = images
        self.progress = progress
        self.who = who
        self.routes = routes
    }

    /// What `start` found or did.
    package enum Started: Sendable, Equatable {
        case started(ClusterRecord)
        /// It ran already.
        case wasRunning(ClusterRecord)
        /// Its containers had stopped and run again.
        case resumed(ClusterRecord)

        package var record: ClusterRecord {
            switch self {
            case .started(let record), .wasRunning(let record), .resumed(let record): record
            }
        }
    }

    /// Brings a cluster up and returns when a job has run on all of its nodes.
    ///
    /// When it throws, also on cancellation, a cluster that was not there before is gone again without a trace. What a
    /// killed start left is removed first.
    /// - Parameter template: asked for only when there is no such cluster yet.
    package func start(
        _ name: ClusterName, template: () throws -> ChosenTemplate
    ) async throws -> Started {
        let lock = try lock(name, for: "start")
        defer { lock.release() }
        try await engine.check()
        if let known = try store.record(of: name), known.status == .running {
            return try await resume(known)
        }
        let chosen = try template()
        try store.folder(of: name).checkSocketPath()
        try await refuseForeign(name)
        if try await removeAll(of: name) { progress.say("removed what an unfinished start had left") }
        do {
            return .started(try await create(name, chosen))
        } catch {
            progress.say("removing what was made")
            // An unstructured task, because ours may be cancelled and nothing may be left behind.
            await Task { await removeQuietly(name) }.value
            throw error
        }
    }

    /// Removes a cluster: containers with their file systems, network, state.
    ///
    /// - Throws: `SallyError(.notFound)` when there is nothing of that name.
    package func terminate(_ name: ClusterName) async throws {
        let lock = try lock(name, for: "terminate")
        defer { lock.release() }
        try await engine.check()
        progress.say("terminating \(name)")
        guard try await removeAll(of: name) else {
            throw SallyError(.notFound, "there is no cluster \(name)", hint: "see `sally cluster list`")
        }
    }

    func lock(_ name: ClusterName, for act: String) throws -> ClusterLock {
        try ClusterLock(name, in: store, for: act, by: who)
    }

    func runningContainers(of record: ClusterRecord) async throws -> Set<String> {
        let names = Set(record.containers.map(\.name))
        let found = try await engine.containers(of: record.name)
        return Set(found.filter { $0.state == "running" && names.contains($0.name) }.map(\.name))
    }
}

/// The template that a cluster is made from.
package struct ChosenTemplate: Sendable {
    package var name: String
    package var template: ClusterTemplate
    /// What stands for the region in names of key archives.
    package var region: String?

    package init(name: String, template: ClusterTemplate, region: String?) {
        self.name = name
        self.template = template
        self.region = region
    }
}
