// SPDX-License-Identifier: Apache-2.0

package import StrictJSON

/// A plugin that can be run.
package enum PluginSettings: Sendable, Equatable {
    case createUsers(CreateUsersSettings)
    case command(CommandPluginSettings)
}

/// An executable of somebody else's, which gets the cluster and these settings as JSON on standard input.
package struct CommandPluginSettings: Sendable, Equatable {
    /// Absolute. Whether it is there, executable and nobody else's to change is looked at when it runs.
    package var path: String
    /// How long one call may take, in seconds.
    package var timeout: Int
    /// In the order of the file.
    package var settings: JSONObject

    package static let usualTimeout = 600
    /// A day.
    static let timeouts = 1...86_400

    package init(path: String, timeout: Int = usualTimeout, settings: JSONObject) {
        self.path = path
        self.timeout = timeout
        self.settings = settings
    }
}
