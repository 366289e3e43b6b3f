// SPDX-License-Identifier: Apache-2.0

import SallyModel

extension PeerSocket {
    static func read(_ value: ConfigValue) -> PeerSocket? {
        guard let section = value.section() else { return nil }
        defer { section.close() }
        let path = section.required("path")?.socketPath()
        let peer = section.required("peer").flatMap(OSUser.read)
        guard let path, let peer else { return nil }
        return PeerSocket(path: path, peer: peer)
    }
}

extension OSUser {
    static func read(_ value: ConfigValue) -> OSUser? {
        guard let text = value.string() else { return nil }
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return UInt32(text).map { .uid($0) } ?? value.fail("\(quoted(text)) is no uid")
        }
        let permitted = { (byte: UInt8) in
            (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5f || byte == 0x2d
        }
        guard text.utf8.count <= 32, text.utf8.first != 0x2d, text.utf8.allSatisfy(permitted) else {
            return value.fail("\(quoted(text)) is neither a uid nor the name of an OS user")
        }
        return .name(text)
    }
}

extension SignerConfig: ConfigFile {
    package static func read(_ box: ConfigSectionBox) -> SignerConfig? {
        let section = box.section
        let sockets = section.required("sockets")?.section()
        let serve = sockets?.required("serve").flatMap(PeerSocket.read)
        let steward = sockets?.required("steward").flatMap(PeerSocket.read)
        let admin = sockets?.required("admin")?.socketPath()
        sockets?.close()
        let state = section.required("state_folder")?.absolutePath()
        let clusterList = section.required("clusters")
        let clusters = clusterList?.list()?.compactMap(SignerCluster.read) ?? []
        clusterList?.requireUnique(clusters.map(\.name.rawValue), noun: "clusters")
        let limits = section.optional("limits")?.section()
        let rate = limits?.optional("per_name_per_minute")?.integer(in: 1...100_000) ?? 600
        limits?.close()
        let singleUser = section.optional("single_user")?.bool() ?? false
        guard let serve, let steward, let admin, let state else { return nil }
        section.requireDistinct([serve.path, steward.path, admin])
        if serve.peer == steward.peer, !singleUser {
            section.report("serve and steward are the same OS user; use two, or say `single_user: true`")
        }
        return SignerConfig(
            serve: serve, steward: steward, adminSocket: admin, stateFolder: state, clusters: clusters,
            mintsPerNameAndMinute: rate, singleUser: singleUser)
    }
}

extension SignerConfig.SignerCluster {
    static func read(_ value: ConfigValue) -> SignerConfig.SignerCluster? {
        guard let section = value.section() else { return nil }
        defer { section.close() }
        let name = section.required("name")?.name(ClusterName.self)
        let algorithm = section.required("algorithm")?.choice(SigningAlgorithm.self)
        let key = section.required("key")?.privateFile()
        let kid = section.optional("kid")?.string()
        let uids = section.required("uid_range").flatMap(UIDRange.read)
        let service =
            section.optional("service_account").map { $0.name(ServiceAccountName.self)?.rawValue } ?? "sallyport"
        let submitLife = section.optional("submit_life")?.duration(in: 1...15) ?? .seconds(15)
        let readLife = section.optional("read_life")?.duration(in: 1...120) ?? .seconds(60)
        if algorithm == .rs256, kid == nil, section.optional("kid") == nil {
            section.report("RS256 needs a kid: the one in the cluster's jwks")
        }
        guard let name, let algorithm, let key, let uids, let service else { return nil }
        return .init(
            name: name, algorithm: algorithm, key: key, kid: kid, uids: uids, serviceAccount: service,
            submitLife: submitLife, readLife: readLife)
    }
}

/// The service account is reserved as a name for people, so `UserName` does not take it.
struct ServiceAccountName: Name {
    let rawValue: String
    init(unchecked rawValue: String) { self.rawValue = rawValue }
    static let noun = "service account"
    static let rule = "1-32 characters of a-z 0-9 _ -, a letter or _ first, and neither root nor an account of Slurm"
    static func accepts(_ text: String) -> Bool {
        UserName.accepts(text) || text == "sallyport"
    }
}

extension StewardConfig: ConfigFile {
    package static func read(_ box: ConfigSectionBox) -> StewardConfig? {
        let section = box.section
        let sockets = section.required("sockets")?.section()
        let serve = sockets?.required("serve").flatMap(PeerSocket.read)
        let admin = sockets?.required("admin")?.socketPath()
        sockets?.close()
        let signer = section.required("signer_socket")?.socketPath()
        let state = section.required("state_folder")?.absolutePath()
        let clusterList = section.required("clusters")
        let clusters = clusterList?.list()?.compactMap(StewardCluster.read) ?? []
        clusterList?.requireUnique(clusters.map(\.name.rawValue), noun: "clusters")
        let singleUser = section.optional("single_user")?.bool() ?? false
        guard let serve, let admin, let signer, let state else { return nil }
        section.requireDistinct([serve.path, signer, admin])
        return StewardConfig(
            serve: serve, adminSocket: admin, signerSocket: signer, stateFolder: state, clusters: clusters,
            singleUser: singleUser)
    }
}

extension ConfigSection {
    fileprivate func requireDistinct(_ sockets: [String]) {
        if Set(sockets).count != sockets.count { report("every socket needs a path of its own") }
    }
}
