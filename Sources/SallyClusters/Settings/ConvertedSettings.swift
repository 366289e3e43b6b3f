// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel

/// Settings in the other form, with what that form cannot say.
package struct ConvertedSettings: Sendable, Equatable {
    package var text: String
    /// A line each; names of settings, never values.
    package var notCarried: [String]
}

extension ClusterSettings {
    /// The same settings in another form. Sections that are wrong are named in `notCarried` and left out as far as they are
    /// wrong; nothing of `[aws info]` but the region is ever in it.
    ///
    /// - Throws: `SallyError(.invalidRequest)` when they are of this form already; `.notFound` where no file is.
    package func converted(to form: Form) throws -> ConvertedSettings {
        guard let source else { throw SallyError(.notFound, "config file \(file) does not exist") }
        guard form != self.form else {
            throw SallyError(.invalidRequest, "\(file) is \(form.rawValue.uppercased()) already")
        }
        switch form {
        case .yaml: return StarClusterToNative(source: source).converted()
        case .ini: return NativeToStarCluster(source: source).converted()
        }
    }
}
