// SPDX-License-Identifier: Apache-2.0

import SallyModel
package import StrictJSON

extension ClusterRecord {
    /// The layout's version.
    static let version = 1

    package var json: JSONValue {
        [
            "version": .integer(ClusterRecord.version),
            "name": .string(name.rawValue),
            "template": .string(template),
            "status": .string(status.rawValue),
            "release": .string(release.rawValue),
            "slurm_version": .string(release.slurmVersion),
            "api_version": .string(release.apiVersion),
            "containers": .array(
                containers.map {
                    [
                        "name": .string($0.name), "role": .string($0.role.rawValue),
                        "hostname": .string($0.hostname.rawValue), "address": .string($0.address),
                        "ready": .bool($0.isReady),
                    ]
                }),
            "network": ["name": .string(network), "subnet": .string(subnet.description)],
            "socket": .string(socket),
            "socket_group": .integer(socketGroup),
            "token_key": [
                "algorithm": .string(tokenKey.algorithm.rawValue), "path": .string(tokenKey.path),
                "kid": tokenKey.kid.map(JSONValue.string) ?? .null,
            ],
            "service_account": .string(serviceAccount),
            "accounts": .array(accounts.map { .string($0.rawValue) }),
            "default_account": defaultAccount.map { .string($0.rawValue) } ?? .null,
            "partitions": .array(partitions.map { .string($0.rawValue) }),
            "gpu_accounts": .array(gpuAccounts.map { .string($0.rawValue) }),
            "home": .string(home),
            "region": region.map(JSONValue.string) ?? .null,
        ]
    }

    /// - Throws: `SallyError(.misconfigured)` when the text is not a cluster.json that this program understands.
    package init(parsing bytes: [UInt8], path: String) throws {
        func refuse(_ what: String) -> SallyError {
            SallyError(
                .misconfigured, "\(path): \(what)",
                hint: "remove the cluster with `sally cluster terminate` of the version that made it")
        }
        let json: JSONValue
        do { json = try JSONValue(parsing: bytes) } catch { throw refuse("\(error)") }
        guard json["version"]?.integer() == ClusterRecord.version else {
            throw refuse("version \(json["version"]?.text() ?? "missing") of cluster.json is not known here")
        }
        func text(_ value: JSONValue?, _ key: String) throws -> String {
            guard let text = value?.string else { throw refuse("\(key) is missing or not a string") }
            return text
        }
        func list(_ key: String) throws -> [String] {
            try (json[key]?.array ?? []).map { try text($0, key) }
        }
        guard let status = Status(rawValue: try text(json["status"], "status")),
            let release = DebianRelease(rawValue: try text(json["release"], "release")),
            let subnet = Subnet(try text(json["network"]?["subnet"], "network.subnet")),
            let algorithm = TokenAlgorithm(rawValue: try text(json["token_key"]?["algorithm"], "token_key.algorithm")),
            let group = json["socket_group"]?.integer(UInt32.self)
        else { throw refuse("status, release, network.subnet, token_key.algorithm or socket_group is not known here") }
        self.init(
            name: try ClusterName(text(json["name"], "name")), template: try text(json["template"], "template"),
            status: status, release: release,
            containers: try (json["containers"]?.array ?? []).map { entry in
                guard let role = Role(rawValue: try text(entry["role"], "containers.role")) else {
                    throw refuse("containers.role is not known here")
                }
                return Container(
                    name: try text(entry["name"], "containers.name"), role: role,
                    hostname: try NodeName(text(entry["hostname"], "containers.hostname")),
                    address: try text(entry["address"], "containers.address"),
                    // Records of before nodes could be added do not say so.
                    isReady: entry["ready"] != .bool(false))
            },
            network: try text(json["network"]?["name"], "network.name"), subnet: subnet,
            socket: try text(json["socket"], "socket"), socketGroup: group,
            tokenKey: TokenKey(
                algorithm: algorithm, path: try text(json["token_key"]?["path"], "token_key.path"),
                kid: json["token_key"]?["kid"]?.string),
            serviceAccount: try text(json["service_account"], "service_account"),
            accounts: try list("accounts").map { try AccountName($0) },
            partitions: try list("partitions").map { try PartitionName($0) },
            gpuAccounts: try list("gpu_accounts").map { try AccountName($0) }, home: try text(json["home"], "home"),
            region: json["region"]?.string)
    }
}
