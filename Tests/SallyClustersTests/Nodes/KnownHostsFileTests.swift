// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import Testing

@testable import SallyClusters

@Suite struct KnownHostsFileTests {
    private static let text = """
        # 10.1.0.13 left
        10.1.0.10 ssh-ed25519 A
        10.1.0.13 ssh-ed25519 B
        10.1.0.13,other ssh-ed25519 C
        10.1.0.130 ssh-ed25519 D
        |1|hash|hash ssh-ed25519 E
        @revoked 10.1.0.13 ssh-ed25519 F
        [10.1.0.13]:2222 ssh-ed25519 G

        """

    @Test func onlyTheHostsThatLeftGo() {
        func without(_ hosts: [String: Set<String>?], in text: String) -> (text: String, changed: Int) {
            let (bytes, changed) = KnownHostsFile.without(hosts, in: Array(text.utf8))
            return (String(decoding: bytes, as: UTF8.self), changed)
        }
        let (text, changed) = without(["10.1.0.13": nil], in: Self.text)
        #expect(changed == 2)
        #expect(
            text
                == Self.text.replacing("10.1.0.13 ssh-ed25519 B\n", with: "")
                .replacing("10.1.0.13,other", with: "other"))
        #expect(without(["10.1.0.1": nil], in: Self.text).text == Self.text)
        // Somebody else has that address meanwhile, or always had.
        #expect(without(["10.1.0.13": ["ssh-ed25519 B"]], in: Self.text).changed == 1)
        #expect(without(["10.1.0.13": ["ssh-ed25519 Z"]], in: Self.text).text == Self.text)
    }

    /// Line ends of other systems, and bytes that are no text, are nobody's to change.
    @Test func bytesOfOthersStay() {
        let odd = Array("10.1.0.13 ssh-ed25519 B\r\n10.1.0.10 ssh-ed25519 A\r\n".utf8) + [0x23, 0xff, 0x0a]
        let (left, changed) = KnownHostsFile.without(["10.1.0.13": ["ssh-ed25519 B"]], in: odd)
        #expect(changed == 1)
        #expect(left == Array("10.1.0.10 ssh-ed25519 A\r\n".utf8) + [0x23, 0xff, 0x0a])
    }

    @Test func theFileKeepsItsModeAndALinkIsLeftAlone() async throws {
        try await withScratchFolder { root in
            let path = "\(root)/known"
            try writeFile(path, Self.text, mode: 0o600)
            #expect(try KnownHostsFile(path).forget(["[10.1.0.13]:2222": nil]) == 1)
            #expect(permissions(of: path) == 0o600)
            #expect(try !String(decoding: Disk.read(path) ?? [], as: UTF8.self).contains("2222"))
            #expect(try KnownHostsFile(path).forget(["nobody": nil]) == 0)
            #expect(try KnownHostsFile("\(root)/none").forget(["x": nil]) == 0)
            _ = try await runProgram("/bin/ln", ["-s", path, "\(root)/link"], environment: [:])
            #expect(throws: SallyError.self) { try KnownHostsFile("\(root)/link").forget(["10.1.0.10": nil]) }
            #expect(try String(decoding: Disk.read(path) ?? [], as: UTF8.self).contains("10.1.0.10 "))
        }
    }
}
