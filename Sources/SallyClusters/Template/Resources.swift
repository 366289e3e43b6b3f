// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Where the files are that come with the programs: cluster templates, and what images are built from.
package struct Resources: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case templates
        case images

        /// The variable that names the folder instead.
        var variable: String {
            switch self {
            case .templates: "SALLYPORT_TEMPLATES"
            case .images: "SALLYPORT_IMAGES"
            }
        }
    }

    private let environment: [String: String]
    private let executable: String

    /// - Parameter executable: the path of the running program, links resolved.
    package init(environment: [String: String], executable: String) {
        self.environment = environment
        self.executable = executable
    }

    /// The folder of `kind`: what the variable names; else `share/sallyport/KIND` beside the program's folder; else
    /// KIND in the nearest folder above the program that has one, which is a checkout.
    ///
    /// - Throws: `SallyError(.misconfigured)` when it is nowhere.
    package func folder(_ kind: Kind) throws -> String {
        if let given = environment[kind.variable], !given.isEmpty {
            guard Disk.exists(given) else {
                throw SallyError(.misconfigured, "\(kind.variable) names \(quoted(given)), which is not there")
            }
            return given
        }
        for candidate in candidates(kind) where Disk.exists(candidate) { return candidate }
        throw SallyError(
            .misconfigured, "the folder of \(kind.rawValue) was not found beside or above \(executable)",
            hint: "set \(kind.variable)")
    }

    func candidates(_ kind: Kind) -> [String] {
        var parts = executable.split(separator: "/").dropLast()
        var result = [
            "/" + (parts.dropLast() + ["share", "sallyport", Substring(kind.rawValue)]).joined(separator: "/")
        ]
        while !parts.isEmpty {
            parts = parts.dropLast()
            // A checkout has a manifest; other folders called templates or images are none of ours.
            let folder = "/" + parts.joined(separator: "/")
            if Disk.exists("\(folder)/Package.swift") { result.append("\(folder)/\(kind.rawValue)") }
        }
        return result
    }

    /// Reads the template of this name.
    ///
    /// - Throws: `SallyError(.notFound)` when there is none, naming those that are; `.misconfigured` when it is wrong.
    package func template(_ name: String) throws -> ClusterTemplate {
        let folder = try folder(.templates)
        let known = Disk.names(in: folder).filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
        guard ClusterName.accepts(name), known.contains(name) else {
            throw SallyError(
                .notFound, "there is no cluster template \(quoted(name))",
                hint: known.isEmpty ? "\(folder) has none" : "there are: \(known.joined(separator: ", "))")
        }
        return try TemplateReader.load("\(folder)/\(name).yaml")
    }
}
