// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import StrictJSON
import Testing

@Suite struct MessageTests {
    @Test func comesBackAsItWasSent() throws {
        let hash = String(repeating: "a", count: 64)
        let requests: [SignerRequest] = [
            .mint(
                MintRequest(
                    cluster: try ClusterName("dev"), user: try UserName("alice"), uid: try UserID(20001),
                    purpose: .submit, position: AuditPosition(sequence: 7, hash: hash), mintBy: Timestamp(9))),
            .mintService(MintServiceRequest(cluster: try ClusterName("dev"), purpose: .readQueue, position: nil)),
            .deny(try UserName("bob")), .records(after: 3, limit: 100), .list, .health,
        ]
        for request in requests {
            let back = try StrictDecoder.decode(SignerRequest.self, from: StrictEncoder.encode(request))
            #expect(back == request)
        }
        let steward = StewardRequest.unlock(cluster: try ClusterName("dev"), user: try UserName("bob"))
        #expect(try StrictDecoder.decode(StewardRequest.self, from: StrictEncoder.encode(steward)) == steward)
    }

    @Test(arguments: [
        #"{"deny":{"_0":"root"}}"#, #"{"deny":{"_0":"0"}}"#, #"{"deny":{"_0":"-x"}}"#, #"{"deny":{"_0":"a\nb"}}"#,
        #"{"deny":{"_0":"ä"}}"#, #"{"deny":{"_0":"nobody"}}"#, #"{"deny":{"_0":"abcdefghijklmnopqrstuvwxyzabcdefg"}}"#,
        #"{"deny":{"_0":"alice","more":1}}"#, #"{"deny":{"_0":"alice","_0":"bob"}}"#, #"{"become":{"_0":"alice"}}"#,
        #"{"deny":{"_0":"alice"},"allow":{"_0":"alice"}}"#, "{}", "[]", "null", "",
    ])
    func refusesWhatIsNoRequest(_ text: String) {
        #expect(throws: (any Error).self) { try StrictDecoder.decode(SignerRequest.self, from: Array(text.utf8)) }
    }

    @Test func namesTheSignedBytes() {
        let position = AuditPosition(sequence: 12, hash: "ab")
        let text = String(decoding: Countersignature.message(position, at: Timestamp(99)), as: UTF8.self)
        #expect(text == "sallyport-audit-head\n12\nab\n99")
    }

    @Test(
        arguments: [
            (0, String(repeating: "a", count: 64)), (-1, String(repeating: "a", count: 64)), (1, "a"),
            (1, String(repeating: "A", count: 64)), (1, String(repeating: "a", count: 65)),
            (1, String(repeating: "a", count: 63) + "\n"),
        ] as [(Int64, String)])
    func knowsAMalformedPosition(_ sequence: Int64, _ hash: String) {
        #expect(!AuditPosition(sequence: sequence, hash: hash).isWellFormed)
    }

    /// Nothing that the signer kept can be left out of a reply unseen.
    @Test(arguments: ["mints", "heads", "serviceReads", "publicKey"])
    func refusesRecordsWithoutAPart(_ missing: String) throws {
        let records = SignerRecords(
            mints: [], heads: [AuditPosition(sequence: 1, hash: "a")], serviceReads: 2, head: nil, publicKey: "k")
        var object = try #require(try StrictEncoder.json(records).object)
        let whole = JSONValue.object(object).bytes(.compact)
        #expect(try StrictDecoder.decode(SignerRecords.self, from: whole) == records)
        object[missing] = nil
        let less = JSONValue.object(object).bytes(.compact)
        #expect(throws: (any Error).self) { try StrictDecoder.decode(SignerRecords.self, from: less) }
    }

    @Test func neverPrintsAToken() {
        let token = MintedToken(token: "eyJhbGciOi", expires: Timestamp(1))
        #expect(!"\(token)".contains("eyJ"))
        #expect(!"\(SignerReply.token(token))".contains("eyJ"))
    }
}
