// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport
import Synchronization

@testable import SallyClusters

/// A podman that writes down how it was called and answers as a test says: the life cycle without containers.
struct FakePodman {
    let root: String
    let said = SaidLines()

    /// - Parameters:
    ///   - answers: shell `case` arms over `"$*"`, tried first.
    ///   - image: the body of `images/node-image`.
    init(root: String, answers: String = "", image: String = "echo localhost/sallyport-node:fake") throws {
        self.root = root
        try Disk.makeFolder("\(root)/images", mode: 0o755)
        try writeFile("\(root)/images/node-image", "#!/bin/sh\n\(image)\n", mode: 0o755)
        try writeFile(
            "\(root)/podman",
            """
            #!/bin/sh
            echo "$*" >>'\(root)/calls'
            case "$*" in
            \(answers)
            ps*|"network ls"*) ;;
            esac
            exit 0

            """, mode: 0o755)
    }

    var clusters: Clusters {
        let said = said
        return Clusters(
            store: ClusterStore(root: "\(root)/state"),
            podman: PodmanEnvironment(program: "\(root)/podman", variables: ["PATH": "/usr/bin:/bin"]),
            images: "\(root)/images", progress: Progress { said.append($0) }, who: "tester", routes: "\(root)/routes")
    }

    func finder(_ inventory: @escaping @Sendable () throws -> Inventory = { .none }) -> ClusterFinder {
        let podman = PodmanEnvironment(program: "\(root)/podman", variables: ["PATH": "/usr/bin:/bin"])
        return ClusterFinder(
            store: ClusterStore(root: "\(root)/state"), environment: [:], podman: { podman }, inventory: inventory)
    }

    func calls() throws -> [String] {
        String(decoding: try Disk.read("\(root)/calls") ?? [], as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// What is left of the clusters' state.
    func left() -> [String] { Disk.names(in: "\(root)/state") }
}

/// The lines of progress, in order.
final class SaidLines: Sendable {
    private let lines = Mutex<[Progress.Line]>([])
    func append(_ line: Progress.Line) { lines.withLock { $0.append(line) } }
    var all: [Progress.Line] { lines.withLock { $0 } }
}
