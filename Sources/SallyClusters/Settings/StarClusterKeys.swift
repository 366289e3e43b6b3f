// SPDX-License-Identifier: Apache-2.0

/// The settings of a StarCluster file: what each is called in the native form and how its text becomes a value there.
enum StarClusterKeys {
    /// How the text of a setting is to be taken.
    enum Form: Sendable {
        case text
        /// A whole number; what is none is said in StarCluster's words.
        case integer
        /// Whatever ConfigParser takes for true or false.
        case boolean
        /// Commas part the values; empty ones are left out.
        case list
        /// The same, empty ones kept: they are wrong.
        case names
        /// `a100:2, v100:1`.
        case counts
        /// The number of machines with the controller among them.
        case clusterSize
        /// One of `ClusterShell`.
        case shell
        /// A whole number or not: the reader has words of its own.
        case number
    }

    struct Key: Sendable {
        let spelling: String
        let native: String
        let form: Form
        init(_ spelling: String, _ form: Form, native: String? = nil) {
            self.spelling = spelling
            self.native = native ?? spelling
            self.form = form
        }
    }

    /// Of `[cluster NAME]`. From `provider` on they are ours.
    static let cluster: [Key] = [
        Key("cluster_size", .clusterSize, native: "nodes"), Key("cluster_user", .text), Key("cluster_shell", .shell),
        Key("plugins", .list), Key("extends", .text), Key("provider", .text), Key("region", .text),
        Key("release", .text), Key("cpus_per_node", .integer), Key("threads_per_core", .integer),
        Key("memory_per_node", .integer), Key("default_memory_per_cpu", .integer), Key("max_memory_per_cpu", .integer),
        Key("gpu_nodes", .integer), Key("gpus_per_node", .counts), Key("accounts", .list), Key("gpu_accounts", .list),
        Key("subnet_pool", .text), Key("socket_group", .text),
    ]

    /// Of a plugin with the class below. From `key_type` on they are ours.
    static let createUsers: [Key] = [
        Key("num_users", .number), Key("usernames", .names), Key("download_keys", .boolean),
        Key("download_keys_dir", .text), Key("key_type", .text), Key("public_keys", .text), Key("encrypt_for", .text),
        Key("expires", .text), Key("scratch", .list), Key("adopt_homes", .boolean), Key("uids", .text),
        Key("shell", .text), Key("accounts", .list),
    ]

    static let createUsersClass = "starcluster.plugins.users.CreateUsers"

    // What is known and means nothing here.

    static let idleCluster: Set<String> = [
        "keyname", "node_image_id", "node_instance_type", "master_image_id", "master_instance_type",
        "availability_zone", "subnet_id", "spot_bid", "public_ips", "volumes", "permissions", "userdata_scripts",
        "disable_queue", "force_spot_master", "disable_cloudinit", "dns_prefix",
    ]
    static let global: Set<String> = ["default_template", "include", "provider"]
    static let idleGlobal: Set<String> = ["enable_experimental", "refresh_interval", "web_browser"]
    static let aws: Set<String> = ["aws_region_name"]
    static let secrets = ["aws_access_key_id", "aws_secret_access_key"]
    static let idleAWS: Set<String> = Set(secrets).union([
        "aws_user_id", "ec2_cert", "ec2_private_key", "aws_port", "aws_ec2_path", "aws_s3_path", "aws_is_secure",
        "aws_region_host", "aws_s3_host", "aws_proxy", "aws_proxy_port", "aws_proxy_user", "aws_proxy_pass",
        "aws_validate_certs",
    ])
    /// Sections that mean nothing at all.
    static let idleKinds: Set<String> = ["key", "vol", "volume", "permission"]
    static let kinds: Set<String> = idleKinds.union(["global", "aws", "cluster", "plugin"])
}
