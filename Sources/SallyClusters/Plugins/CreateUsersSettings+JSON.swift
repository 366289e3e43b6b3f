// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import StrictJSON

/// For remembering. Nothing here is secret: names, paths and public keys.
extension CreateUsersSettings {
    private typealias Unreadable = RememberedPlugin.Unreadable

    var json: JSONValue {
        let recipients: JSONValue =
            switch encryptFor {
            case nil: .null
            case .passphrase: "passphrase"
            case .keys(let keys):
                .object(JSONObject(keys.sorted { $0.key < $1.key }.map { ($0.key.rawValue, .string($0.value)) }))
            }
        let expiry: JSONValue =
            switch expires {
            case nil: .null
            case .after(let duration): ["after": .integer(duration.components.seconds)]
            case .on(let day): ["on": .integer(day.rawValue)]
            }
        return [
            "users": .array(users.map { .string($0.rawValue) }), "download_keys": .bool(downloadKeys),
            "download_keys_dir": .string(downloadKeysDirectory), "key_type": .string(keyType.rawValue),
            "public_keys": publicKeys.map(JSONValue.string) ?? .null, "encrypt_for": recipients, "expires": expiry,
            "scratch": .array([scratch?.folder, scratch?.links].compactMap(\.self).map(JSONValue.string)),
            "adopt_homes": .bool(adoptHomes),
            "uids": [.integer(uids.first.rawValue), .integer(uids.last.rawValue)],
            "shell": shell.map(JSONValue.string) ?? .null,
            "accounts": .array(accounts.map { .string($0.rawValue) }),
        ]
    }

    /// - Throws: `RememberedPlugin.Unreadable`; `SallyError` for what is no name.
    init(_ json: JSONValue) throws {
        func need<Value>(_ key: String, _ read: (JSONValue) throws -> Value?) throws -> Value {
            try Unreadable.unwrap(try json[key].flatMap(read), key)
        }
        func texts(_ key: String) throws -> [String] {
            try need(key, \.array).map { try Unreadable.unwrap($0.string, key) }
        }
        let scratch = try texts("scratch")
        let uids = try need("uids", \.array).map { $0.integer(UInt32.self).flatMap(UserID.init(rawValue:)) }
        guard uids.count == 2, let first = uids[0], let last = uids[1], first <= last, scratch.count <= 2 else {
            throw Unreadable(key: "uids or scratch")
        }
        self.init(
            users: try texts("users").map { try UserName($0) }, downloadKeys: try need("download_keys", \.bool),
            downloadKeysDirectory: try need("download_keys_dir", \.string),
            keyType: try need("key_type") { $0.string.flatMap(KeyType.init) },
            publicKeys: json["public_keys"]?.string,
            encryptFor: try CreateUsersSettings.recipients(json["encrypt_for"]),
            expires: try CreateUsersSettings.expiry(json["expires"]),
            scratch: scratch.first.map { ScratchSettings(folder: $0, links: scratch.count == 2 ? scratch[1] : nil) },
            adoptHomes: try need("adopt_homes", \.bool), uids: UIDRange(first: first, last: last),
            shell: json["shell"]?.string, accounts: try texts("accounts").map { try AccountName($0) })
    }

    private static func recipients(_ json: JSONValue?) throws -> EncryptFor? {
        switch json {
        case nil, .null: return nil
        case "passphrase": return .passphrase
        case .object(let object):
            var keys: [UserName: String] = [:]
            for (name, key) in object { keys[try UserName(name)] = try Unreadable.unwrap(key.string, "encrypt_for") }
            return .keys(keys)
        default: throw Unreadable(key: "encrypt_for")
        }
    }

    private static func expiry(_ json: JSONValue?) throws -> AccountExpiry? {
        guard let json, !json.isNull else { return nil }
        if let seconds = json["after"]?.integer(Int64.self), (60...AccountExpiry.longest).contains(seconds) {
            return .after(.seconds(seconds))
        }
        return .on(Timestamp(try Unreadable.unwrap(json["on"]?.integer(Int64.self), "expires")))
    }
}
