// SPDX-License-Identifier: Apache-2.0

import SallyModel

@testable import SallyClusters

/// Files of settings for tests.
enum SettingsSamples {
    static let environment = ["HOME": "/h"]

    /// As the documentation's steps lead to it: a key pair, a small and a bigger cluster, thirty users.
    static let documented = """
        # settings of a course
        [global]
        DEFAULT_TEMPLATE = smallcluster
        ENABLE_EXPERIMENTAL = True

        [aws info]
        AWS_ACCESS_KEY_ID = AKIAHUSHHUSHHUSH
        AWS_SECRET_ACCESS_KEY = hush/hush+hush%hush
        AWS_USER_ID = 123412341234
        AWS_REGION_NAME = eu-west-1

        [key mykey]
        KEY_LOCATION = ~/.ssh/mykey.rsa

        [cluster smallcluster]
        KEYNAME = mykey
        CLUSTER_SIZE = 3
        CLUSTER_USER = sgeadmin
        CLUSTER_SHELL = zsh
        NODE_IMAGE_ID = ami-00000001
        NODE_INSTANCE_TYPE = m1.small   ; the cheap one
        VOLUMES = data
        PLUGINS = createusers

        [cluster biggercluster]
        EXTENDS = smallcluster
        CLUSTER_SIZE = 11

        [volume data]
        VOLUME_ID = vol-00000001
        MOUNT_PATH = /data

        [permission http]
        FROM_PORT = 80
        TO_PORT = 80

        [plugin createusers]
        setup_class = starcluster.plugins.users.CreateUsers
        num_users = 30
        download_keys = True

        [plugin named]
        setup_class = starcluster.plugins.users.CreateUsers
        usernames = linus, tux,
            larry
        download_keys_dir = $HOME/keys

        [plugin sge]
        setup_class = starcluster.plugins.sge.SGEPlugin
        """

    static func ini(_ text: String, _ environment: [String: String] = environment) throws -> ClusterSettings {
        try ClusterSettings.parse(text, form: .ini, file: "/c/config", environment: environment)
    }

    static func yaml(_ text: String) throws -> ClusterSettings {
        try ClusterSettings.parse(text, form: .yaml, file: "/c/clusters.yaml", environment: environment)
    }

    /// What is wrong with the settings of a `createusers` in an INI file; empty when nothing is.
    static func complaint(ofINI lines: String) -> String {
        complaint {
            try ini("[plugin p]\nsetup_class = \(StarClusterKeys.createUsersClass)\n\(lines)").plugin("p")
        }
    }

    /// The same in YAML, the lines not indented.
    static func complaint(ofYAML lines: String) -> String {
        let indented = lines.split(separator: "\n").map { "    \($0)\n" }.joined()
        return complaint { try yaml("plugins:\n  p:\n    type: createusers\n\(indented)").plugin("p") }
    }

    static func complaint(_ body: () throws -> some Any) -> String {
        do {
            _ = try body()
            return ""
        } catch { return (error as? SallyError)?.message ?? "no SallyError: \(error)" }
    }

    static func users(_ plugin: PluginSettings) -> CreateUsersSettings? {
        switch plugin {
        case .createUsers(let settings): settings
        case .command: nil
        }
    }
}
