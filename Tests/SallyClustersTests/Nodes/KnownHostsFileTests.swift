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
        let (text, changed) = KnownHostsFile.without(["10.1.0.13"], in: Self.text)
        #expect(changed == 2)
        #expect(
            text
                == Self.text.replacing("10.1.0.13 ssh-ed25519 B\n", with: "")
                .replacing("10.1.0.13,other", with: "other"))
        #expect(KnownHostsFile.without(["10.1.0.1"], in: Self.text).text == Self.text)
    }

    @Test func theFileKeepsItsModeAndALinkIsLeftAlone() async throws {
        try await withScratchFolder { root in
            let path = "\(root)/known"
            try writeFile(path, Self.text, mode: 0o600)
            #expect(try KnownHostsFile(path).forget(["[10.1.0.13]:2222"]) == 1)
            #expect(permissions(of: path) == 0o600)
            #expect(try !String(decoding: Disk.read(path) ?? [], as: UTF8.self).contains("2222"))
            #expect(try KnownHostsFile(path).forget(["nobody"]) == 0)
            #expect(try KnownHostsFile("\(root)/none").forget(["x"]) == 0)
            _ = try await runProgram("/bin/ln", ["-s", path, "\(root)/link"], environment: [:])
            #expect(throws: SallyError.self) { try KnownHostsFile("\(root)/link").forget(["10.1.0.10"]) }
            #expect(try String(decoding: Disk.read(path) ?? [], as: UTF8.self).contains("10.1.0.10 "))
        }
    }
}
