// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import Testing

@testable import ClusterCommands

#if canImport(Glibc)
import Glibc
#endif

@Suite struct PluginProgramTests {
    private func complaint(_ path: String) -> String {
        do { return "fine: \(try PluginProgram.check(path, of: "mine"))" } catch {
            return (error as? SallyError)?.message ?? "\(error)"
        }
    }

    @Test func aFileOfOursIsRun() async throws {
        try await withScratchFolder { root in
            try writeFile("\(root)/program", "#!/bin/sh\n", mode: 0o755)
            #expect(complaint("\(root)/program") == "fine: \(root)/program")
            // It is the file itself that is run, whatever becomes of the link.
            symlink("\(root)/program", "\(root)/link")
            #expect(complaint("\(root)/link") == "fine: \(root)/program")
            #expect(complaint("/bin/true").hasPrefix("fine: /"))
        }
    }

    @Test(arguments: [
        (mode_t(0o775), "others can write to \"ROOT/program\" (mode 0775)"),
        (0o757, "others can write to \"ROOT/program\" (mode 0757)"),
        (0o644, "program \"ROOT/program\" is not executable"),
        (0o600, "program \"ROOT/program\" is not executable"),
    ])
    func modesAreLookedAt(_ mode: mode_t, _ expected: String) async throws {
        try await withScratchFolder { root in
            try writeFile("\(root)/program", "#!/bin/sh\n", mode: mode)
            #expect(complaint("\(root)/program") == "plugin \"mine\": " + expected.replacing("ROOT", with: root))
        }
    }

    @Test func onlyRegularFilesAreRun() async throws {
        try await withScratchFolder { root in
            mkdir("\(root)/folder", 0o755)
            mkfifo("\(root)/pipe", 0o755)
            for name in ["folder", "pipe"] {
                #expect(
                    complaint("\(root)/\(name)") == "plugin \"mine\": program \"\(root)/\(name)\" is not a regular file"
                )
            }
            let missing = "plugin \"mine\": program \"\(root)/none\" cannot be found: No such file or directory"
            #expect(complaint("\(root)/none") == missing)
        }
    }

    /// Whoever can write to a folder can put another program in the place of the one that was looked at.
    @Test func foldersAreLookedAt() async throws {
        try await withScratchFolder { root in
            mkdir("\(root)/a", 0o755)
            mkdir("\(root)/a/b", 0o755)
            try writeFile("\(root)/a/b/program", "#!/bin/sh\n", mode: 0o755)
            #expect(complaint("\(root)/a/b/program").hasPrefix("fine"))
            chmod("\(root)/a", 0o777)
            #expect(
                complaint("\(root)/a/b/program") == "plugin \"mine\": others can write to \"\(root)/a\" (mode 0777)")
            chmod("\(root)/a", 0o1777)
            #expect(complaint("\(root)/a/b/program").hasPrefix("fine"))
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root gives files away")) func somebodyElsesIsNotRun() async throws {
        try await withScratchFolder { root in
            try writeFile("\(root)/program", "#!/bin/sh\n", mode: 0o755)
            chown("\(root)/program", 4242, 4242)
            let expected = "plugin \"mine\": \"\(root)/program\" belongs to uid 4242, who could change what is run"
            #expect(complaint("\(root)/program") == expected)
            chown("\(root)/program", 0, 0)
            chown(root, 4242, 4242)
            #expect(complaint("\(root)/program").contains("belongs to uid 4242"))
        }
    }

    /// (what `command` is, what is done to what lies on the way, what is said; nil where it may be run)
    static let ways: [(command: String, change: @Sendable (String) -> Void, said: String?)] = [
        ("links/program", { _ in }, nil), ("links/folder/program", { _ in }, nil), ("links/relative", { _ in }, nil),
        ("links/../links/chain", { _ in }, nil),
        // Whoever can write to the folder of a link can let it lead elsewhere.
        ("links/program", { chmod("\($0)/links", 0o777) }, "others can write to \"ROOT/links\" (mode 0777)"),
        ("links/folder/program", { chmod("\($0)/links", 0o775) }, "others can write to \"ROOT/links\" (mode 0775)"),
        // Where a folder is sticky nobody takes away our link.
        ("links/program", { chmod("\($0)/links", 0o1777) }, nil),
        // What a link leads through, and what a second one does.
        ("links/relative", { chmod("\($0)/between", 0o777) }, "others can write to \"ROOT/between\" (mode 0777)"),
        ("links/chain", { chmod("\($0)/between", 0o777) }, "others can write to \"ROOT/between\" (mode 0777)"),
        ("links/program", { chmod("\($0)/real", 0o777) }, "others can write to \"ROOT/real\" (mode 0777)"),
        ("links/circle", { _ in }, "program \"ROOT/links/circle\" cannot be found: Too many levels of symbolic links"),
        ("links/nowhere", { _ in }, "program \"ROOT/links/nowhere\" cannot be found: No such file or directory"),
        ("real/program/x", { _ in }, "program \"ROOT/real/program/x\" cannot be found: Not a directory"),
        (
            "real/program/../program", { _ in },
            "program \"ROOT/real/program/../program\" cannot be found: Not a directory"
        ),
    ]

    @Test(arguments: ways.indices) func everythingOnTheWayIsLookedAt(_ index: Int) async throws {
        let way = Self.ways[index]
        try await withScratchFolder { root in
            try Self.makeLinks(root)
            way.change(root)
            let said = complaint("\(root)/\(way.command)")
            #expect(
                said == way.said.map { "plugin \"mine\": " + $0.replacing("ROOT", with: root) }
                    ?? "fine: \(root)/real/program")
        }
    }

    /// (the link, through which it is reached)
    @Test(
        .enabled(if: geteuid() == 0, "only root gives links away"),
        arguments: [
            ("links/program", "links/program"), ("links/folder", "links/folder/program"),
            ("between/chain", "links/chain"),
        ])
    func somebodyElsesLinkIsNotFollowed(_ link: String, _ command: String) async throws {
        try await withScratchFolder { root in
            try Self.makeLinks(root)
            #expect(complaint("\(root)/\(command)") == "fine: \(root)/real/program")
            lchown("\(root)/\(link)", 4242, 4242)
            let expected = "plugin \"mine\": \"\(root)/\(link)\" belongs to uid 4242, who could change what is run"
            #expect(complaint("\(root)/\(command)") == expected)
        }
    }

    private static func makeLinks(_ root: String) throws {
        for folder in ["links", "between", "real"] { mkdir("\(root)/\(folder)", 0o755) }
        try writeFile("\(root)/real/program", "#!/bin/sh\n", mode: 0o755)
        symlink("\(root)/real/program", "\(root)/links/program")
        symlink("../real", "\(root)/links/folder")
        symlink(".././between//../real/program", "\(root)/links/relative")
        symlink("\(root)/between/chain", "\(root)/links/chain")
        symlink("../links/program", "\(root)/between/chain")
        symlink("circle", "\(root)/links/circle")
        symlink("none", "\(root)/links/nowhere")
    }
}
