// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// The examples of the pages about the HTTP API, run as they stand there, each page by itself, against both versions of Slurm.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct DocumentExampleTests {
    struct Page: Sendable, CustomTestStringConvertible {
        /// In docs/.
        var name: String
        /// How many examples it has at least: none is lost by a fence that is not recognised.
        var examples: Int
        var testDescription: String { name }
    }

    static let pages = [
        Page(name: "api.md", examples: 15), Page(name: "api-jobs.md", examples: 5),
        Page(name: "exactly-once.md", examples: 2),
    ]

    @Test(arguments: pages, Stack.clusters)
    func theyWorkAndPrintWhatIsSaid(_ page: Page, _ cluster: String) async throws {
        let stack = try Stack.required()
        let text = try await runProgram("/bin/cat", ["\(stack.root)/docs/\(page.name)"]).output
        let examples = Self.examples(text)
        #expect(examples.count >= page.examples)
        #expect(examples.allSatisfy { !$0.output.isEmpty }, "an example says nothing of what it prints")
        try await withScratchFolder { folder in
            var script = "set -euo pipefail\ncd '\(folder)'\n"
            for (place, example) in examples.enumerated() {
                script += "echo 'example \(place)' >&2\n{\n\(example.command)} > 'output-\(place)'\n"
            }
            try writeFile("\(folder)/examples", script)
            let python = try Stack.frontPython().split(separator: "/").dropLast().joined(separator: "/")
            let result = try await stack.run(
                "/bin/bash", ["\(folder)/examples"],
                with: [
                    "GATEWAY": stack.gateway, "CLUSTER": cluster, "SALLY_CONTEXT": "alice",
                    "PATH": "/\(python):\(stack.state)/bin:/usr/local/bin:/usr/bin:/bin",
                ])
            #expect(result.status == 0, "\(result)")
            for (place, example) in examples.enumerated() {
                let output = try await runProgram("/bin/cat", ["\(folder)/output-\(place)"]).output
                #expect(output == example.output, "\(example.command)")
            }
        }
    }

    private struct Example {
        var command: String
        var output: String
    }

    /// The `sh` and `python` blocks of a page, and the `text` block after each.
    private static func examples(_ page: String) -> [Example] {
        var found: [Example] = []
        var kind: Substring?
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                if kind == "python" { found[found.count - 1].command += "PYTHON\n" }
                kind = kind == nil ? line.dropFirst(3) : nil
                if kind == "sh" { found.append(Example(command: "", output: "")) }
                if kind == "python" { found.append(Example(command: "python3 -I -B - <<'PYTHON'\n", output: "")) }
            } else if kind == "sh" || kind == "python" {
                found[found.count - 1].command += "\(line)\n"
            } else if kind == "text", !found.isEmpty {
                found[found.count - 1].output += "\(line)\n"
            }
        }
        return found
    }
}
