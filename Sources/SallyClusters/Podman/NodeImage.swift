// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport

/// The image of a release's nodes, built when its inputs changed: `images/node-image`.
struct NodeImage {
    let podman: PodmanEnvironment
    let images: String

    /// The image's name.
    ///
    /// - Throws: `SallyError(.unavailable)` when it could not be built.
    func ensure(_ release: DebianRelease, progress: Progress) async throws -> String {
        progress.say("image for \(release.suite) (built if its inputs changed; that takes minutes)")
        let completion: Completion
        do {
            completion = try await ProgramCall(
                program: "\(images)/node-image", arguments: [release.suite], environment: podman.variables,
                deadline: .seconds(1800), outputLimit: 16 << 20, grace: .seconds(20)
            ).run()
        } catch let failure as ProgramFailure {
            throw SallyError(
                .unavailable, "the node image for \(release.suite) could not be built",
                hint: "try `\(images)/node-image \(release.suite)`", cause: "\(failure)")
        }
        let name = completion.output.split(separator: "\n").last.map(String.init)
        guard completion.succeeded, let name, name.hasPrefix("localhost/sallyport-node:") else {
            let lines = completion.errorOutput.split(separator: "\n").suffix(10)
            for line in lines { progress.detail(String(line)) }
            throw SallyError(
                .unavailable,
                "the node image for \(release.suite) could not be built (status \(completion.status))",
                hint: "try `\(images)/node-image \(release.suite)`", cause: completion.errorOutput)
        }
        return name
    }
}
