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
    /// In the order of the file.
    package var settings: JSONObject
}
