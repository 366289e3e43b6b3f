// SPDX-License-Identifier: Apache-2.0

import SallyModel

extension GatewayConfig: ConfigFile {
    package static func read(_ box: ConfigSectionBox) -> GatewayConfig? {
        let section = box.section
        let listen = readListen(section)
        let publicURL = section.required("public_url").flatMap { readURL($0, plainHTTP: .loopback) }
        let proxies = section.optional("trusted_proxies")?.list()?.compactMap(readRange) ?? []
        let database = section.required("database")?.absolutePath()
        let sessionKey = section.required("session_key")?.privateFile()
        let sessions = readSessions(section.optional("sessions"))
        let providers = section.optional("providers")?.list()?.compactMap(ProviderConfig.read) ?? []
        let administrators = section.optional("administrators")?.set { $0.name(GroupName.self) } ?? []
        let uids = section.required("ledger_uids").flatMap(UIDRange.read)
        let clusterList = section.required("clusters")
        let clusters = clusterList?.list()?.compactMap(ClusterConfig.read) ?? []
        let signer = section.required("signer_socket")?.socketPath()
        let steward = section.required("steward_socket")?.socketPath()
        let policy = section.required("policy")?.absolutePath()
        let admin = section.required("admin_socket")?.socketPath()
        let rates = readRates(section.optional("rate_limits"))
        let contact = section.optional("contact").flatMap(readContact)
        let singleUser = section.optional("single_user")?.bool() ?? false
        clusterList?.requireUnique(clusters.map(\.name.rawValue), noun: "clusters")
        section.optional("providers")?.unique(providers.map(\.name), noun: "providers")
        checkSources(section, administrators, providers)
        guard let listen, let publicURL, let database, let sessionKey, let uids, let signer, let steward, let policy,
            let admin
        else { return nil }
        return GatewayConfig(
            listen: listen, publicURL: publicURL, trustedProxies: proxies, database: database, sessionKey: sessionKey,
            sessions: sessions, providers: providers, administrators: administrators, ledgerUIDs: uids,
            clusters: clusters, signerSocket: signer, stewardSocket: steward, policy: policy, adminSocket: admin,
            rates: rates, contact: contact, singleUser: singleUser)
    }

    private static func readListen(_ section: ConfigSection) -> Listen? {
        let tls = section.optional("tls").flatMap { value -> TLSFiles? in
            guard let inner = value.section() else { return nil }
            defer { inner.close() }
            let certificate = inner.required("certificate")?.readableFile()
            let key = inner.required("key")?.privateFile()
            guard let certificate, let key else { return nil }
            return TLSFiles(certificate: certificate, key: key)
        }
        guard let value = section.required("listen"), let text = value.string() else { return nil }
        if text.hasPrefix("unix:") {
            guard let path = cleanPath(String(text.dropFirst(5))), path.utf8.count <= 107 else {
                return value.fail("unix:/PATH is wanted, an absolute path of at most 107 bytes")
            }
            guard section.optional("tls") == nil else { return value.fail("a unix socket takes no tls") }
            return .unixSocket(path: path)
        }
        guard let (host, port) = splitAddress(text), AddressRange(host) != nil else {
            return value.fail("\(quoted(text)) is neither ADDRESS:PORT, such as 127.0.0.1:8080, nor unix:/PATH")
        }
        guard section.optional("tls") != nil || AddressRange.isLoopback(host) else {
            return value.fail("plain HTTP is allowed on a loopback address or a unix socket only; configure tls")
        }
        return .address(host: host, port: port, tls: tls)
    }

    private static func readRange(_ value: ConfigValue) -> AddressRange? {
        guard let text = value.string() else { return nil }
        return AddressRange(text)
            ?? value.fail("\(quoted(text)) is no address range such as 10.0.0.0/8, with no bit set beyond its prefix")
    }

    private static func readSessions(_ value: ConfigValue?) -> SessionSettings {
        var settings = SessionSettings()
        guard let section = value?.section() else { return settings }
        defer { section.close() }
        settings.accessLife = section.optional("life")?.duration(in: 60...3600) ?? settings.accessLife
        settings.refreshLife =
            section.optional("refresh_life")?.duration(in: 300...(30 * 86400)) ?? settings.refreshLife
        settings.refreshGrace = section.optional("refresh_grace")?.duration(in: 0...120) ?? settings.refreshGrace
        return settings
    }

    private static func readContact(_ value: ConfigValue) -> String? {
        guard let text = value.string() else { return nil }
        guard text.count <= 100 else { return value.fail("at most 100 characters that say whom to ask") }
        return text
    }

    private static func readRates(_ value: ConfigValue?) -> RateLimits {
        var rates = RateLimits()
        guard let section = value?.section() else { return rates }
        defer { section.close() }
        let range = 1...1_000_000
        rates.signInsPerMinute = section.optional("sign_ins_per_minute")?.integer(in: range) ?? rates.signInsPerMinute
        rates.failuresPerMinute = section.optional("failures_per_minute")?.integer(in: range) ?? rates.failuresPerMinute
        rates.requestsPerMinute = section.optional("requests_per_minute")?.integer(in: range) ?? rates.requestsPerMinute
        rates.concurrentRequests =
            section.optional("concurrent_requests")?.integer(in: range) ?? rates.concurrentRequests
        return rates
    }

    /// Administration comes only from a source that is configured.
    private static func checkSources(
        _ section: ConfigSection, _ administrators: Set<GroupName>, _ providers: [ProviderConfig]
    ) {
        let sources = Set(providers.map(\.name)).union(["local"])
        for group in administrators.sorted() where !sources.contains(group.source) {
            let _: Never? = section.optional("administrators")?.fail(
                "group \(quoted(group.rawValue)) comes from no configured provider")
        }
    }
}

/// Where plain HTTP is good enough.
enum PlainHTTP {
    case never
    case loopback
    case anywhere
}

/// `http(s)://HOST[:PORT][/PATH]` without user, query and fragment; the slash at the end is taken away.
func readURL(_ value: ConfigValue, plainHTTP: PlainHTTP) -> String? {
    guard let text = value.string() else { return nil }
    guard let (scheme, host) = urlParts(text) else {
        return value.fail("\(quoted(text)) is no URL such as https://sally.example.org")
    }
    let isLoopback = host == "localhost" || AddressRange.isLoopback(host)
    switch (scheme, plainHTTP) {
    case ("https", _), (_, .anywhere): break
    case (_, .loopback) where isLoopback: break
    case (_, .loopback), (_, .never): return value.fail("plain http is not allowed here; use https")
    }
    return text.hasSuffix("/") ? String(text.dropLast()) : text
}

private func urlParts(_ text: String) -> (scheme: String, host: String)? {
    for scheme in ["https", "http"] where text.hasPrefix("\(scheme)://") {
        let rest = text.dropFirst(scheme.utf8.count + 3)
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), !rest.contains(where: { "@?#\\".contains($0) }) else {
            return nil
        }
        let authority = String(rest.prefix { $0 != "/" })
        if let (host, _) = splitAddress(authority) { return (scheme, host) }
        let bare =
            authority.hasPrefix("[") && authority.hasSuffix("]") ? String(authority.dropFirst().dropLast()) : authority
        guard isHost(bare) else { return nil }
        return (scheme, bare)
    }
    return nil
}

/// `HOST:PORT` or `[IPV6]:PORT`.
func splitAddress(_ text: String) -> (host: String, port: Int)? {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let portText = text[text.index(after: colon)...]
    guard !portText.isEmpty, portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(portText),
        (1...65535).contains(port)
    else { return nil }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") {
        host = String(host.dropFirst().dropLast())
        guard AddressRange(host) != nil, host.contains(":") else { return nil }
        return (host, port)
    }
    return isHost(host) && !host.contains(":") ? (host, port) : nil
}

private func isHost(_ text: String) -> Bool {
    if AddressRange(text) != nil, !text.contains("/") { return true }
    return NodeName.accepts(text)
}

extension ConfigValue {
    /// At least one entry, and no name twice.
    func requireUnique(_ names: [String], noun: String) {
        if case .list(let items) = node.content, items.isEmpty { let _: Never? = fail("at least one is wanted") }
        unique(names, noun: noun)
    }

    func unique(_ names: [String], noun: String) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            let _: Never? = fail("two \(noun) have the name \(name)")
        }
    }
}

extension UIDRange {
    /// `20000-29999`.
    static func read(_ value: ConfigValue) -> UIDRange? {
        guard let text = value.string() else { return nil }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map {
            UInt32($0).flatMap(UserID.init(rawValue:))
        }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last else {
            return value.fail("\(quoted(text)) is no range of uids such as 20000-29999 (from 1000 on)")
        }
        guard !(first.rawValue...last.rawValue).overlaps(60000...65535) else {
            return value.fail("\(text) holds uids of the system (60000-65535)")
        }
        return UIDRange(first: first, last: last)
    }
}
