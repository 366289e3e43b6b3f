// SPDX-License-Identifier: Apache-2.0

/// Where the steps of something long are told.
package struct Progress: Sendable {
    package enum Line: Sendable, Equatable {
        /// What is being done or waited for now.
        case step(String)
        /// A line that belongs to the last step, such as one of a log.
        case detail(String)
    }

    private let report: @Sendable (Line) -> Void

    package init(_ report: @escaping @Sendable (Line) -> Void) { self.report = report }

    package func say(_ text: String) { report(.step(text)) }
    package func detail(_ text: String) { report(.detail(text)) }
}
