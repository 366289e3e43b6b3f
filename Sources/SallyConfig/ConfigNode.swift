// SPDX-License-Identifier: Apache-2.0

/// A value that people wrote, with its line: what every file format becomes before it is read.
package struct ConfigNode: Sendable {
    /// Where it stands, if that is another file than the one that is read: what a file includes.
    package var file: String?
    package var line: Int
    package var content: Content

    package init(file: String? = nil, line: Int, content: Content) {
        self.file = file
        self.line = line
        self.content = content
    }

    package enum Content: Sendable {
        /// Nothing, `~` or `null`.
        case empty
        case scalar(String)
        /// In quotes: always text.
        case text(String)
        case list([ConfigNode])
        case section([Entry])
    }

    package struct Entry: Sendable {
        package var key: String
        package var line: Int
        package var value: ConfigNode
        package init(key: String, line: Int, value: ConfigNode) {
            self.key = key
            self.line = line
            self.value = value
        }
    }

    /// What it is, for messages.
    var noun: String {
        switch content {
        case .empty: "nothing"
        case .scalar, .text: "a value"
        case .list: "a list"
        case .section: "a section"
        }
    }
}
