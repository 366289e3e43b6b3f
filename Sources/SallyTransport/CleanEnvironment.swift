// SPDX-License-Identifier: Apache-2.0

/// The environment of the programs that we start: a fixed path and locale, and only those variables of our own that
/// say where things are. Tokens, keys and passwords that someone exported stay with us.
package enum CleanEnvironment {
    /// What is taken over from our own environment when it is there.
    package static let kept: Set<String> = [
        "HOME", "LOGNAME", "USER", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "TMPDIR", "TERM",
        "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF", "DBUS_SESSION_BUS_ADDRESS",
        "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE",
        "SSL_CERT_DIR", "SALLYPORT_PULL_SECONDS",
    ]

    package static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// - Parameter own: our environment.
    package static func make(from own: [String: String]) -> [String: String] {
        var result = own.filter { kept.contains($0.key) }
        result["PATH"] = path
        result["LANG"] = "C.UTF-8"
        return result
    }
}
