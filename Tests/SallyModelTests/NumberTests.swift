// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Testing

@Suite struct NumberTests {
    @Test(arguments: [0, 1, 999, 65534, 65535, 2_147_483_648, 4_294_967_294] as [UInt32])
    func refusesUIDsOfTheSystem(_ value: UInt32) {
        #expect(UserID(rawValue: value) == nil)
        #expect(throws: SallyError.self) { try UserID(value) }
    }

    @Test(arguments: [1000, 20000, 65533, 65536, 2_147_483_647] as [UInt32])
    func takesUIDsOfPeople(_ value: UInt32) {
        #expect(UserID(rawValue: value)?.rawValue == value)
    }

    @Test(arguments: ["", "0", "-1", "1 ", "1_2", "0x10", "4294967294", "99999999999", "１"])
    func refusesJobIDs(_ text: String) {
        #expect(throws: SallyError.self) { try JobID(text) }
    }

    @Test func takesJobIDs() throws {
        #expect(try JobID("67108863").rawValue == 67_108_863)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_795_233_906, "2026-11-21T04:05:06Z"),
            (-1, "1969-12-31T23:59:59Z"), (4_102_444_799, "2099-12-31T23:59:59Z"),
        ] as [(Int64, String)])
    func printsTimesInUTC(_ seconds: Int64, _ text: String) {
        #expect("\(Timestamp(seconds))" == text)
    }

    @Test func secretsDoNotPrintThemselves() {
        let secret = Secret("swordfish")
        #expect("\(secret)" == "<redacted>")
        #expect(String(reflecting: secret) == "<redacted>")
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(!dumped.contains("swordfish"))
        #expect(secret.reveal() == "swordfish")
    }

    @Test func comparesSecretsByContent() {
        #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2]))
        #expect(constantTimeEqual([UInt8](), [UInt8]()))
    }

    @Test func opaqueIdentifiersHave128BitsAndARule() throws {
        var generator = SystemRandomNumberGenerator()
        let first = OpaqueID.random(using: &generator)
        #expect(first != OpaqueID.random(using: &generator))
        #expect(first.rawValue.utf8.count == 22)
        #expect(OpaqueID(rawValue: "short") == nil)
        #expect(OpaqueID(rawValue: "0123456789abcdef/../x") == nil)
    }

    @Test func everyErrorHasStatusAndExit() {
        for code in SallyError.Code.allCases {
            #expect((400...599).contains(code.httpStatus))
            #expect((1...125).contains(code.exitStatus))
        }
    }
}
