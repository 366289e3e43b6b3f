// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Which plugins ran on a cluster, so that machines which come later get what these make: `STATE/NAME/plugins.json` of a
/// local cluster, `STATE/.inventory/NAME/plugins.json` of one whose machines exist already.
///
/// On this host and not on the cluster's: the file names programs that are run here, which is nothing for a machine of a
/// cluster to say. It is the caller's, mode 0600, and holds no secret of ours; a program's settings stand in it as they
/// were given.
package struct PluginMemory: Sendable {
    private let store: ClusterStore
    private let provider: ClusterMachines.Provider
    private let name: ClusterName
    /// What tells one cluster of this name from another.
    private let controller: String

    private static let version = 1
    /// More is no plugin's settings.
    private static let limits = JSONLimits(maximumBytes: 8 << 20, maximumDepth: 64)

    package init(of cluster: ClusterMachines, in store: ClusterStore) {
        self.store = store
        provider = cluster.provider
        name = cluster.name
        controller = "\(cluster.controller.name) \(cluster.controller.address) \(cluster.controller.port)"
    }

    private var folder: String {
        switch provider {
        case .podman: store.folder(of: name).path
        case .inventory: "\(store.root)/.inventory/\(name)"
        }
    }

    package var path: String { "\(folder)/plugins.json" }

    /// In the order in which they first ran.
    ///
    /// - Throws: `SallyError(.misconfigured)` for a file that cannot be read, that others could have written, or that is
    ///   not ours; `.conflict` when it is about another cluster of this name.
    package func plugins() throws -> [RememberedPlugin] {
        guard let file = try read() else { return [] }
        guard file.controller == controller else {
            throw SallyError(
                .conflict, "\(path) is about another cluster \(name), with the controller \(plain(file.controller))",
                hint: "run this cluster's plugins, which writes it anew, or remove the file")
        }
        return file.plugins
    }

    /// Puts `plugin` at the end, or in the place that its name has.
    package func remember(_ plugin: RememberedPlugin) async throws {
        try await change { plugins in
            if let place = plugins.firstIndex(where: { haveSameBytes($0.name, plugin.name) }) {
                plugins[place] = plugin
            } else {
                plugins.append(plugin)
            }
        }
    }

    /// - Returns: whether there was one of this name.
    package func forget(_ plugin: String) async throws -> Bool {
        guard try plugins().contains(where: { haveSameBytes($0.name, plugin) }) else { return false }
        return try await change { plugins in
            let count = plugins.count
            plugins.removeAll { haveSameBytes($0.name, plugin) }
            return plugins.count < count
        }
    }

    private struct File {
        var controller: String
        var plugins: [RememberedPlugin]
    }

    private func change<Value>(_ body: (inout [RememberedPlugin]) -> Value) async throws -> Value {
        if provider == .inventory {
            try Disk.makePath(store.root)
            for folder in ["\(store.root)/.inventory", folder] { try Disk.makeFolder(folder, mode: 0o700) }
        }
        let lock = try await hold()
        defer {
            // A child between fork and exec has the descriptor still.
            flock(lock, LOCK_UN)
            close(lock)
        }
        // Another cluster's are not this one's.
        var plugins = try read().flatMap { $0.controller == controller ? $0.plugins : nil } ?? []
        let value = body(&plugins)
        let json: JSONValue = [
            "version": .integer(PluginMemory.version), "cluster": .string(name.rawValue),
            "controller": .string(controller), "plugins": .array(plugins.map(\.json)),
        ]
        let bytes = Array(json.text(.indented).utf8) + [0x0a]
        guard bytes.count <= PluginMemory.limits.maximumBytes else {
            throw SallyError(
                .tooLarge, "the settings of the plugins of \(name) have \(bytes.count) bytes, 8 MiB are kept")
        }
        try Disk.write(bytes, to: path, mode: 0o600)
        return value
    }

    /// Two programs at once come one after the other (flock(2) on the folder).
    private func hold() async throws -> Int32 {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            throw SallyError(.misconfigured, "folder \(folder) cannot be opened: \(String(cString: strerror(errno)))")
        }
        let end = ContinuousClock.now + .seconds(30)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard ContinuousClock.now < end else {
                close(descriptor)
                throw SallyError(.conflict, "another program holds \(folder) for 30 s", hint: "try again")
            }
            do { try await Task.sleep(for: .milliseconds(20)) } catch {
                close(descriptor)
                throw error
            }
        }
        return descriptor
    }

    private func read() throws -> File? {
        guard let bytes = try contents() else { return nil }
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes, limits: PluginMemory.limits)
        } catch { throw refusal("\(error)") }
        guard json["version"]?.integer() == PluginMemory.version, json["cluster"]?.string == name.rawValue,
            let controller = json["controller"]?.string, let entries = json["plugins"]?.array
        else { throw refusal("it is not of this version, or not of this cluster") }
        do {
            return File(controller: controller, plugins: try entries.map { try RememberedPlugin($0) })
        } catch let error as RememberedPlugin.Unreadable {
            throw refusal("\(error.key) is missing or of another form")
        } catch let error as SallyError { throw refusal(error.message) }
    }

    private func refusal(_ why: String) -> SallyError {
        SallyError(.misconfigured, "\(path): \(why)", hint: "remove the file and run the cluster's plugins again")
    }

    /// It says what is run on this host: nobody but us may have written it.
    private func contents() throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw refusal(String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
            status.st_mode & 0o022 == 0
        else { throw refusal("it is not a file of yours that nobody else can write to") }
        guard status.st_size <= PluginMemory.limits.maximumBytes else { throw refusal("it is larger than 8 MiB") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw refusal("it cannot be read to its end") }
            done += count
        }
        return bytes
    }
}
