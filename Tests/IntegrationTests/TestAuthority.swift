// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport

/// A certificate authority and a certificate of its for 127.0.0.1, made for a test.
enum TestAuthority {
    /// Makes NAME-ca.pem, NAME.pem and NAME.key in `folder`.
    static func make(_ name: String, in folder: String) async throws {
        let script = """
            set -e
            cd "$1"
            key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
            openssl req -x509 $key -days 2 -subj "/CN=$2 authority" -keyout $2-ca.key -out $2-ca.pem
            openssl req $key -subj "/CN=$2" -keyout $2.key -out $2.csr
            printf 'subjectAltName=IP:127.0.0.1\\n' >$2.ext
            openssl x509 -req -in $2.csr -days 2 -CA $2-ca.pem -CAkey $2-ca.key -CAcreateserial -extfile $2.ext -out $2.pem
            chmod 644 $2-ca.pem $2.pem

            """
        let made = try await runProgram(
            "/bin/sh", ["-c", script, "sh", folder, name], environment: ["PATH": "/usr/bin:/bin"])
        guard made.status == 0 else { throw Failure("no certificate: \(made)") }
    }
}
