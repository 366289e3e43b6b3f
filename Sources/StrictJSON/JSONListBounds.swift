// SPDX-License-Identifier: Apache-2.0

/// What bounds a list that comes in pieces, beside the size of its values: many small values cost more memory than they have
/// bytes, and white space belongs to no value.
package struct JSONListBounds: Sendable, Equatable {
    /// Elements of the list.
    package var elements: Int
    /// Members of the object, the list among them.
    package var members: Int
    /// All keys and other members together, in bytes.
    package var memberBytes: Int
    /// White space in a row between two values, in bytes.
    package var blanks: Int

    /// More than slurmrestd has to say: a queue of 400,000 jobs.
    package init(
        elements: Int = 500_000, members: Int = 1000, memberBytes: Int = 16 << 20, blanks: Int = 64 << 10
    ) {
        self.elements = elements
        self.members = members
        self.memberBytes = memberBytes
        self.blanks = blanks
    }
}
