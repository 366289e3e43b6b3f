// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import SlurmModel
import StrictJSON
import Testing

@Suite struct WireTests {
    @Test(arguments: SallyError.Code.allCases)
    func aProblemComesBackAsTheErrorItWas(code: SallyError.Code) throws {
        let refusal = SlurmRefusal(number: 2050, text: "limit")
        let problem = Problem(SallyError(code, "what", hint: "do", cause: "hidden", slurm: refusal), request: "r1")
        let bytes = try StrictEncoder.encode(problem)
        let back = try StrictDecoder.decode(Problem.self, from: bytes)
        #expect(back == problem)
        #expect(back.status == code.httpStatus && back.type == "urn:sallyport:problem:\(code.rawValue)")
        #expect(back.error.code == code && back.error.slurm == refusal && back.error.hint == "do")
        #expect(!String(decoding: bytes, as: UTF8.self).contains("hidden"))
    }

    @Test func titlesAreDifferentForEveryCode() {
        #expect(Set(SallyError.Code.allCases.map(\.title)).count == SallyError.Code.allCases.count)
    }

    @Test func aGrantDoesNotPrintItsTokens() {
        let grant = TokenGrant(
            accessToken: "secret-a", expires: Timestamp(1), refreshToken: "secret-r", sessionExpires: Timestamp(2),
            user: UserName(unchecked: "alice"))
        #expect(!"\(grant)".contains("secret"))
    }

    @Test func unknownKeysAreRefused() {
        #expect(throws: JSONError.self) {
            try StrictDecoder.decode(TokenRequest.self, from: Array(#"{"code":"a","code_verifier":"b","x":1}"#.utf8))
        }
        #expect(throws: JSONError.self) {
            try StrictDecoder.decode(
                TokenRequest.self, from: Array(#"{"code":"a","code":"a","code_verifier":"b"}"#.utf8))
        }
    }

    @Test func pathsNeedNoEscapes() throws {
        let cluster = try ClusterName("demo")
        let job = try JobID("7")
        #expect(Path.job(cluster, JobTarget(job: job)) == "/v1/clusters/demo/jobs/7")
        #expect(Path.job(cluster, JobTarget(job: job, part: .component(1))) == "/v1/clusters/demo/jobs/7+1")
        #expect(Path.output(cluster, JobTarget(job: job)) == "/v1/clusters/demo/jobs/7/output")
        #expect(Path.output(cluster, JobTarget(job: job, part: .task(4))) == "/v1/clusters/demo/jobs/7_4/output")
        #expect(Path.offboard(try UserName("alice")) == "/v1/admin/identities/alice/offboard")
    }
}
