// SPDX-License-Identifier: Apache-2.0

import SallyModel

extension StewardConfig.StewardCluster {
    static func read(_ value: ConfigValue) -> StewardConfig.StewardCluster? {
        guard let section = value.section() else { return nil }
        defer { section.close() }
        let name = section.required("name")?.name(ClusterName.self)
        let mode = section.required("mode")?.choice(AccountMode.self)
        let transport = section.required("transport").flatMap(StewardConfig.TransportConfig.read)
        let uids = section.required("uid_range").flatMap(UIDRange.read)
        let homes = section.optional("homes").map { $0.absolutePath() } ?? "/home"
        let shell = section.optional("shell").map { $0.absolutePath() } ?? "/bin/bash"
        let commands = section.optional("slurm_commands")?.absolutePath()
        let profiles = readProfiles(section.required("profiles"))
        let adopt = readAdoption(section.optional("adopt_profile"), profiles, section)
        let output = readOutput(section.optional("output"))
        guard let name, let mode, let transport, let uids, let homes, let shell, let adopt else { return nil }
        return .init(
            name: name, mode: mode, transport: transport, uids: uids, homes: homes, shell: shell,
            slurmCommands: commands, profiles: profiles, adoptProfile: adopt, output: output)
    }

    private static func readProfiles(_ value: ConfigValue?) -> [ProfileName: StewardConfig.StewardProfile] {
        guard let value, let section = value.section() else { return [:] }
        var profiles: [ProfileName: StewardConfig.StewardProfile] = [:]
        let entries = section.named()
        if entries.isEmpty { let _: Never? = value.fail("at least one profile is wanted") }
        for (key, value) in entries {
            guard let name = ProfileName(rawValue: key) else {
                let _: Never? = value.fail("profile \(quoted(key)) is not valid: \(ProfileName.rule)")
                continue
            }
            profiles[name] = readProfile(value)
        }
        return profiles
    }

    /// Which profile an adopted account gets is not guessed where there is a choice.
    private static func readAdoption(
        _ value: ConfigValue?, _ profiles: [ProfileName: StewardConfig.StewardProfile], _ cluster: ConfigSection
    ) -> ProfileName? {
        guard let value else {
            guard profiles.count > 1 else { return profiles.keys.first }
            cluster.report("adopt_profile is required where there are several profiles")
            return nil
        }
        guard let name = value.name(ProfileName.self) else { return nil }
        return profiles[name] == nil ? value.fail("\(name) is none of the profiles") : name
    }

    private static func readProfile(_ value: ConfigValue) -> StewardConfig.StewardProfile? {
        guard let section = value.section() else { return nil }
        defer { section.close() }
        let groups = section.optional("groups")?.list()?.compactMap(readGroup) ?? []
        let accountList = section.required("accounts")
        let accounts = accountList?.list()?.compactMap { $0.name(AccountName.self) }
        accountList?.requireUnique((accounts ?? []).map(\.rawValue), noun: "accounts")
        guard let accounts, !accounts.isEmpty else { return nil }
        return .init(groups: groups, accounts: accounts)
    }

    /// An OS group that gives no power over the machine.
    private static func readGroup(_ value: ConfigValue) -> String? {
        guard let text = value.string() else { return nil }
        guard !privilegedGroups.contains(text) else { return value.fail("group \(text) gives power over the machine") }
        return UserName.accepts(text) ? text : value.fail("\(quoted(text)) is no name of a group that people may be in")
    }

    /// Debian's and Slurm's groups whose members can become root or read what is not theirs.
    static let privilegedGroups: Set<String> = [
        "root", "sudo", "wheel", "admin", "adm", "disk", "shadow", "docker", "podman", "lxd", "libvirt", "kvm", "kmem",
        "tty", "staff", "systemd-journal", "slurm", "slurmrestd", "munge", "mysql", "ssl-cert",
    ]

    private static func readOutput(_ value: ConfigValue?) -> StewardConfig.OutputSettings {
        var settings = StewardConfig.OutputSettings(enabled: true, limit: 1 << 20)
        guard let section = value?.section() else { return settings }
        defer { section.close() }
        settings.enabled = section.optional("enabled")?.bool() ?? settings.enabled
        settings.limit = section.optional("limit")?.size(in: 1024...(8 << 20)) ?? settings.limit
        return settings
    }
}
