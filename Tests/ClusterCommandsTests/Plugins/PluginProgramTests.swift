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
}
