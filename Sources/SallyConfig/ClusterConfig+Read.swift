// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel

extension ProviderConfig {
    static func read(_ value: ConfigValue) -> ProviderConfig? {
        guard let section = value.section() else { return nil }
        defer { section.close() }
        let name = section.required("name").flatMap { value -> String? in
            guard let text = value.name(ClusterName.self)?.rawValue else { return nil }
            return text == "local" ? value.fail("local is the source of groups that are made here") : text
        }
        let loopback = section.optional("allow_http_loopback")?.bool() ?? false
        let issuer = section.required("issuer").flatMap { readIssuer($0, loopback: loopback) }
        let clientID = section.required("client_id")?.string()
        let secret = section.optional("client_secret")?.secret()
        let caFile = section.optional("ca_file")?.readableFile()
        let scopes = section.optional("scopes")?.list()?.compactMap { $0.string() } ?? ["openid", "profile", "email"]
        if !scopes.contains("openid") {
            let _: Never? = section.optional("scopes")?.fail("openid must be among them (OpenID Connect Core 3.1.2.1)")
        }
        let subject = section.optional("subject_claim")?.string() ?? "sub"
        let wish = section.optional("name_claim")?.string() ?? "preferred_username"
        let groups = section.optional("groups_claim")?.string() ?? "groups"
        if ["email", "preferred_username", "name", "upn"].contains(subject) {
            let _: Never? = section.optional("subject_claim")?.fail(
                "\(subject) can change or be given to another person")
        }
        guard let name, let issuer, let clientID else { return nil }
        return ProviderConfig(
            name: name, issuer: issuer, clientID: clientID, clientSecret: secret, caFile: caFile, scopes: scopes,
            subjectClaim: subject, nameClaim: wish, groupsClaim: groups, allowHTTPLoopback: loopback)
    }

    /// As written, because `iss` is compared byte for byte (OpenID Connect Core 3.1.3.7).
    private static func readIssuer(_ value: ConfigValue, loopback: Bool) -> String? {
        readURL(value, plainHTTP: loopback ? .loopback : .never).flatMap { _ in value.string() }
    }
}

extension ClusterConfig {
    static func read(_ value: ConfigValue) -> ClusterConfig? {
        guard let section = value.section() else { return nil }
        defer { section.close() }
        let name = section.required("name")?.name(ClusterName.self)
        let slurmName = section.optional("slurm_name").flatMap(readSlurmName)
        let endpoint = section.required("slurmrestd").flatMap(SlurmrestdEndpoint.read)
        let authorities = section.optional("slurmrestd_ca_file")
        let caFile = authorities?.readableFile()
        if let endpoint, !endpoint.isEncrypted { authorities?.report("it is for a slurmrestd at https://") }
        let version = section.optional("api_version").flatMap(readVersion)
        let mode = section.required("account_mode")?.choice(AccountMode.self)
        let profiles = section.optional("profiles")?.list()?.compactMap(readProfile) ?? []
        let profile = section.optional("default_profile")?.name(ProfileName.self)
        let account = section.optional("default_account")?.name(AccountName.self)
        let partition = section.optional("default_partition")?.name(PartitionName.self)
        let exclusive = section.optional("exclusive_partitions").map { $0.set { $0.name(PartitionName.self) } } ?? []
        let jobDefaults = section.optional("job_defaults").flatMap(readJobDefaults)
        let memoryLimits = section.optional("memory_limits").flatMap(readMemoryLimits)
        let wholeSockets = section.optional("whole_sockets")?.bool() ?? false
        let wholeNodes = section.optional("whole_nodes")?.bool() ?? false
        let service =
            section.optional("service_account").map { $0.name(ServiceAccountName.self)?.rawValue } ?? "sallyport"
        let output = section.optional("output")?.bool() ?? true
        let leavers = section.optional("pending_jobs_on_offboarding")?.choice(LeaverJobs.self) ?? .cancel
        let accounting = section.optional("accounting")?.bool() ?? true
        let age = section.optional("min_job_age")?.duration(in: 0...86400) ?? .seconds(300)
        let stale = section.optional("stale_limit")?.duration(in: 60...86400) ?? .seconds(600)
        if profiles.isEmpty, profile == nil, section.optional("profiles") == nil {
            section.report("nobody would get an account: profiles or default_profile is wanted")
        }
        guard let name, let endpoint, let mode, let exclusive, let service else { return nil }
        return ClusterConfig(
            name: name, slurmName: slurmName, slurmrestd: endpoint, slurmrestdCAFile: caFile, apiVersion: version,
            accountMode: mode, profiles: profiles, defaultProfile: profile, defaultAccount: account,
            defaultPartition: partition,
            exclusivePartitions: exclusive, jobDefaults: jobDefaults, memoryLimits: memoryLimits,
            wholeSockets: wholeSockets, wholeNodes: wholeNodes, serviceAccount: service, output: output,
            pendingJobsOnOffboarding: leavers, accounting: accounting, minJobAge: age, staleLimit: stale)
    }

    private static func readProfile(_ value: ConfigValue) -> ProfileRule? {
        guard let section = value.section() else { return nil }
        defer { section.close() }
        let groups = section.required("groups")?.set { $0.name(GroupName.self) }
        let profile = section.required("profile")?.name(ProfileName.self)
        guard let groups, let profile else { return nil }
        return ProfileRule(groups: groups, profile: profile)
    }

    /// As `scontrol show config` and `scontrol show partition` write it, or `none`.
    private static func readJobDefaults(_ value: ConfigValue) -> JobDefaults? {
        guard let text = value.string() else { return nil }
        if text == "none" { return JobDefaults.nothing }
        guard let defaults = try? JobDefaults(text) else {  // said below
            return value.fail(
                "\(quoted(text)) is neither none nor DefCpuPerGPU=NUMBER,DefMemPerGPU=MIB or one of them, each once")
        }
        return defaults.whole
    }

    /// As `scontrol show config` writes them, or `none`.
    private static func readMemoryLimits(_ value: ConfigValue) -> MemoryLimits? {
        guard let text = value.string() else { return nil }
        if text == "none" { return MemoryLimits.nothing }
        guard let limits = try? MemoryLimits(text) else {  // said below
            return value.fail(
                "\(quoted(text)) is neither none nor MaxMemPerCPU=MIB,DefMemPerCPU=MIB or one of them, also with PerNode"
            )
        }
        return limits
    }

    /// As slurmdbd keeps it: without capitals (slurm.conf(5), ClusterName).
    private static func readSlurmName(_ value: ConfigValue) -> String? {
        guard let text = value.string()?.lowercased() else { return nil }
        let plain = text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) || "-_.".utf8.contains($0)
        }
        guard plain, (1...64).contains(text.utf8.count) else {
            return value.fail("\(quoted(text)) is no ClusterName: 1-64 characters of a-z 0-9 - _ .")
        }
        return text
    }

    /// Nil for `auto`.
    private static func readVersion(_ value: ConfigValue) -> String? {
        guard let text = value.string(), text != "auto" else { return nil }
        let number = text.dropFirst(5)
        guard text.hasPrefix("v0.0."), number.utf8.count == 2, number.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else {
            return value.fail("\(quoted(text)) is neither auto nor a version such as v0.0.42")
        }
        return text
    }
}

extension SlurmrestdEndpoint {
    static func read(_ value: ConfigValue) -> SlurmrestdEndpoint? {
        guard let text = value.string() else { return nil }
        if text.hasPrefix("unix:") {
            guard let path = cleanPath(String(text.dropFirst(5))), path.utf8.count <= 107 else {
                return value.fail("unix:/PATH is wanted, an absolute path of at most 107 bytes")
            }
            return .unixSocket(path: path)
        }
        guard let url = readURL(value, plainHTTP: .anywhere) else { return nil }
        guard url.split(separator: "/", omittingEmptySubsequences: false).count == 3 else {
            return value.fail("no path is wanted: http://HOST:PORT, https://HOST:PORT or unix:/PATH")
        }
        return .url(url)
    }
}
