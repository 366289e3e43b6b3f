// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyTestSupport
import Testing

/// The built program, beside the test bundle; absent where only the library was built.
private let program: String? = {
    var folder = CommandLine.arguments.first ?? ""
    for _ in 0..<4 {
        guard let slash = folder.lastIndex(of: "/") else { break }
        folder = String(folder[..<slash])
        if exists("\(folder)/sally") { return "\(folder)/sally" }
    }
    let usual = ".build/debug/sally"
    return exists(usual) ? usual : nil
}()

@Suite(.enabled(if: program != nil, "the program sally was not built"))
struct ProgramTests {
    @Test func linksNeitherFoundationNorTheServer() async throws {
        let program = try #require(program)
        let dynamic = try await runProgram("ldd", [program], environment: ["PATH": "/usr/bin:/bin"])
        try #require(dynamic.status == 0, "\(dynamic)")
        for line in dynamic.output.split(separator: "\n") {
            let library = line.drop { $0 == " " || $0 == "\t" }
            for banned in [
                "libFoundation.so", "libFoundationNetworking", "libFoundationInternationalization", "lib_FoundationICU",
                "libFoundationXML", "libsqlite3",
            ] {
                #expect(!library.hasPrefix(banned), "sally links \(library)")
            }
        }
        // Linked in statically: their mangled names would stand in the symbol table.
        let symbols = try await runProgram(
            "nm", ["--just-symbol-names", program], environment: ["PATH": "/usr/bin:/bin"])
        let names = symbols.status == 0 ? symbols.output : ""
        for banned in ["$s4Yams", "$s4GRDB", "$s11Hummingbird", "$s10Foundation4"] {
            #expect(!names.contains("\n\(banned)"), "sally has \(banned)")
        }
    }

    @Test func standardOutputIsForDataAlone() async throws {
        let program = try #require(program)
        try await withScratchFolder { folder in
            let run = try await runProgram(program, ["jobs"], environment: ["SALLY_CONFIG_DIR": folder])
            #expect(run.status == 77)
            #expect(run.output == "")
            #expect(run.errors.hasPrefix("sally: you are not signed in anywhere\n"))
            let version = try await runProgram(program, ["--version"])
            #expect(version.output == "sally \(Version.current)\n")
            #expect(version.errors == "")
        }
    }
}
