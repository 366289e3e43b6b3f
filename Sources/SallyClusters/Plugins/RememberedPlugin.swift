// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import StrictJSON

/// A plugin that ran on a cluster, with its settings as they were then.
package struct RememberedPlugin: Sendable, Equatable {
    package var name: String
    package var settings: PluginSettings
    /// The last time.
    package var ranAt: Timestamp

    package init(name: String, settings: PluginSettings, ranAt: Timestamp) {
        self.name = name
        self.settings = settings
        self.ranAt = ranAt
    }

    /// For `list --json`: without settings, which may be long and are their owner's business.
    package var summary: JSONValue {
        var object: JSONObject = JSONObject([
            ("name", .string(name)), ("type", .string(type)), ("ran_at", .string("\(ranAt)")),
        ])
        switch settings {
        case .createUsers(let settings): object["users"] = .integer(settings.users.count)
        case .command(let settings): object["command"] = .string(settings.path)
        }
        return .object(object)
    }

    private var type: String {
        switch settings {
        case .createUsers: "createusers"
        case .command: "command"
        }
    }

    /// As it stands in the file.
    var json: JSONValue {
        var object: JSONObject = JSONObject([
            ("name", .string(name)), ("type", .string(type)), ("ran_at", .integer(ranAt.rawValue)),
        ])
        switch settings {
        case .createUsers(let settings): object["settings"] = settings.json
        case .command(let settings):
            object["command"] = .string(settings.path)
            object["timeout"] = .integer(settings.timeout)
            object["settings"] = .object(settings.settings)
        }
        return .object(object)
    }

    /// - Throws: `Unreadable` when `json` is not what `json` writes.
    init(_ json: JSONValue) throws {
        name = try Unreadable.unwrap(json["name"]?.string, "name")
        ranAt = Timestamp(try Unreadable.unwrap(json["ran_at"]?.integer(Int64.self), "ran_at"))
        let own = try Unreadable.unwrap(json["settings"]?.object, "settings")
        switch json["type"]?.string {
        case "createusers": settings = .createUsers(try CreateUsersSettings(.object(own)))
        case "command":
            let path = try Unreadable.unwrap(json["command"]?.string, "command")
            let timeout = try Unreadable.unwrap(json["timeout"]?.integer(), "timeout")
            guard path.hasPrefix("/"), CommandPluginSettings.timeouts.contains(timeout) else {
                throw Unreadable(key: "command or timeout")
            }
            settings = .command(CommandPluginSettings(path: path, timeout: timeout, settings: own))
        default: throw Unreadable(key: "type")
        }
    }

    /// A file of remembered plugins that this program did not write.
    struct Unreadable: Error {
        var key: String

        static func unwrap<Value>(_ value: Value?, _ key: String) throws -> Value {
            guard let value else { throw Unreadable(key: key) }
            return value
        }
    }
}
