// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import Testing

@testable import SallyClusters

@Suite struct UserSessionTests {
    /// So that a login shell of any kind takes them as one word.
    @Test func whatWeSayOurselvesIsOneWordForEveryShell() throws {
        let session = UserSession(
            user: .root, node: try NodeName("n"), program: .script("echo 'a'\n!\\", arguments: []))
        for word in session.arguments { #expect(!word.contains { "'!\n\\".contains($0) }) }
    }

    @Test func wordsThatShellsReadAlikeStayReadable() {
        #expect(UserSession.line(["ls", "-l", "a b;c"]) == "'ls' '-l' 'a b;c'")
    }

    /// A line has no character in its quotes that shells disagree about, whatever its words are.
    @Test func otherWordsAreEncoded() async throws {
        let pieces = [
            "'", "\"", "\\", "$", "`", " ", "\n", "\t", "!", "*", "ü", "e\u{301}", "a", "-", ";", "&", "#", "~",
        ]
        for _ in 0..<20 {
            let words = (0..<8).map { _ in
                (0..<Int.random(in: 0...6)).map { _ in pieces.randomElement() ?? "" }.joined()
            }
            let line = UserSession.line(["printf", "%s\\0"] + words)
            #expect(!line.contains { "\n!\\".contains($0) })
            for shell in ["/bin/sh", "/bin/bash"] {
                let result = try await runProgram(shell, ["-c", line], environment: ["PATH": "/usr/bin:/bin"])
                let arrived = result.output.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
                #expect(arrived.map { Array($0.utf8) } == (words + [""]).map { Array($0.utf8) })
            }
        }
    }

    @Test(arguments: [
        "", "-x", "a b", "a;b", "1000", "0", "a\nb", "../x", "a:b", "'", "ä", String(repeating: "a", count: 65),
    ])
    func whatIsNoNameOfAUserIsRefused(_ text: String) {
        #expect(throws: SallyError.self) { try LoginName(text) }
    }

    @Test(arguments: ["root", "ubuntu", "ann", "_x", "user001", "Ann.Bee@site"]) func namesOfAnySite(_ text: String) {
        #expect(throws: Never.self) { try LoginName(text) }
    }
}
