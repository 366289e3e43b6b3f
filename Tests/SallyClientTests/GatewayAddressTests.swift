// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel
import Testing

@Suite struct GatewayAddressTests {
    @Test(arguments: [
        ("https://sally.example.org", "https://sally.example.org/v1/me"),
        ("https://Sally.Example.org:8443/", "https://sally.example.org:8443/v1/me"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/me"), ("http://localhost", "http://localhost/v1/me"),
        ("http://[::1]:80", "http://[::1]:80/v1/me"),
        ("unix:/run/sallyport/gateway.sock", "http+unix://%2Frun%2Fsallyport%2Fgateway.sock/v1/me"),
    ])
    func permitted(text: String, url: String) throws { #expect(try GatewayAddress(text).url("/v1/me") == url) }

    @Test(arguments: [
        "", "sally.example.org", "http://sally.example.org", "http://127.0.0.1.example.org",
        "http://localhost.evil.org",
        "https://user@sally.example.org", "https://sally.example.org/base", "https://sally.example.org?x=1",
        "https://sally.example.org#x", "https://", "https://:80", "https://a:0", "https://a:99999", "https://a:1:2",
        "https://a b", "https://a\nb", "ftp://a", "https://-a", "https://a%2f", "unix:relative", "unix:",
        "http://127.1", "https://a\\b",
    ])
    func refused(text: String) { #expect(throws: SallyError.self) { try GatewayAddress(text) } }
}
