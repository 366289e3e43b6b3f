// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// The keepers answer the OS user that their files name, whoever else can reach the socket.
@Suite(
    .enabled(if: Stack.current != nil, Stack.skipped),
    .enabled(if: variable("SALLYPORT_TEST_SERVE_USER") != nil, "not root: all daemons run as one user"))
struct KeeperDoorTests {
    /// `sallyd config check --live` speaks the real protocol as whoever runs it.
    @Test(arguments: ["0", "65534"])
    func keepersAnswerNobodyElse(_ uid: String) async throws {
        let stack = try Stack.required()
        try await withScratchFolder { folder in
            try await stack.open(folder)
            var file = GatewayText(try await runProgram("/bin/cat", ["\(stack.state)/etc/gateway.yaml"]).output)
            file.set("session_key", "\(folder)/session.pem")
            try writeFile(
                "\(folder)/gateway.yaml",
                file.text.replacing("\(stack.state)/serve/client-secret", with: "\(folder)/client-secret"), mode: 0o644)
            for name in ["session.pem", "client-secret"] {
                let copied = try await runProgram(
                    "/usr/bin/install",
                    ["-m", "600", "-o", uid, "\(stack.state)/serve/\(name)", "\(folder)/\(name)"])
                #expect(copied.status == 0, "\(copied)")
            }
            let check = ["config", "check", "--config", "\(folder)/gateway.yaml", "--live", "--json"]
            let result = try await runProgram(
                "/usr/bin/setpriv",
                ["--reuid=\(uid)", "--regid=\(uid)", "--clear-groups", "\(stack.state)/bin/sallyd"] + check,
                environment: ["PATH": "/usr/bin:/bin"])
            #expect(result.status != 0, "\(result)")
            for keeper in ["signer", "steward"] {
                let line = try await runProgram(
                    "/usr/bin/jq", ["-er", ".. | objects | select(.hop? == \"\(keeper)\") | .good | tostring"],
                    input: result.output)
                #expect(line.output.hasPrefix("false"), "\(keeper) answers uid \(uid): \(line) \(result)")
            }
        }
        for keeper in ["signer", "steward"] {
            guard uid == "0" else { continue }
            try await eventually("\(keeper) says whom it refused") {
                try await stack.log(keeper).split(separator: "\n").contains {
                    $0.contains("refused a peer") && $0.contains("uid=0")
                }
            }
        }
    }
}
