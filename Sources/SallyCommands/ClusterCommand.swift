// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyModel

struct ClusterCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "Make and manage clusters' machines (runs sally-cluster).",
        discussion: "See `sally cluster --help`. The program is looked for beside sally, then on PATH.")

    @Argument(
        parsing: .captureForPassthrough, help: ArgumentHelp("Arguments of sally-cluster.", valueName: "arguments"))
    var arguments: [String] = []

    func perform(_ here: Surroundings) async throws {
        for path in ClusterCommand.places(program: here.program, path: here.set("PATH")) {
            here.replace(path, ["sally-cluster"] + arguments)
        }
        throw SallyError(
            .unsupported, "sally-cluster is not installed",
            hint: "install it beside \(here.program); it comes with the package for administrators")
    }

    /// Beside the program, then the absolute folders of PATH.
    static func places(program: String, path: String?) -> [String] {
        var folders: [String] = []
        if let slash = program.lastIndex(of: "/") { folders.append(String(program[..<slash])) }
        folders += (path ?? "").split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
        return folders.map { "\($0)/sally-cluster" }
    }
}
