// SPDX-License-Identifier: Apache-2.0

package import SallyConfig
import SallyModel

/// Templates, plugins and machines that an administrator wrote down, in `clusters.yaml` or a StarCluster file.
///
/// Read when asked for: what is wrong with a section concerns nobody who does not use it.
package struct ClusterSettings: Sendable {
    package enum Form: String, Sendable, CaseIterable {
        case yaml
        case ini
    }

    /// The region where nothing says one: StarCluster's default for `aws_region_name`.
    package static let usualRegion = "us-east-1"

    /// Absolute; where nothing was read, the file that would have been.
    package let file: String
    package let form: Form
    /// Our own.
    let environment: [String: String]
    let source: (any SettingsSource)?

    /// Where there is no file: no template and no plugin.
    ///
    /// - Parameter file: what messages say does not exist.
    package static func absent(_ file: String, environment: [String: String]) -> ClusterSettings {
        ClusterSettings(file: file, form: .ini, environment: environment, source: nil)
    }

    private init(file: String, form: Form, environment: [String: String], source: (any SettingsSource)?) {
        self.file = file
        self.form = form
        self.environment = environment
        self.source = source
    }

    /// Reads a file and those that it includes. Which form it has, its name says (`.yaml`, `.yml`; `.ini`, `.cfg`, and
    /// StarCluster's own place), else its lines: INI has sections in brackets.
    ///
    /// - Parameters:
    ///   - file: absolute.
    ///   - environment: our own; `HOME` and variables in paths.
    /// - Throws: `SallyError(.misconfigured)` when it cannot be read or is neither.
    package static func load(_ file: String, environment: [String: String]) throws -> ClusterSettings {
        let text = try INIDocument.text(of: file)
        guard isINI(text, file) else { return try parse(text, form: .yaml, file: file, environment: environment) }
        let paths = PathExpansion(environment: environment, folder: "/")
        return ClusterSettings(
            file: file, form: .ini, environment: environment,
            source: try StarClusterFile(INIDocument.load(file, text: text, paths: paths)))
    }

    /// The same from text, which includes nothing.
    package static func parse(
        _ text: String, form: Form, file: String, environment: [String: String]
    ) throws -> ClusterSettings {
        switch form {
        case .ini:
            let source = try StarClusterFile(INIDocument.parse(text, file: file))
            return ClusterSettings(file: file, form: form, environment: environment, source: source)
        case .yaml:
            do throws(ConfigError) {
                let source = try NativeFile(ConfigNode.parse(text, file: file), file: file)
                return ClusterSettings(file: file, form: form, environment: environment, source: source)
            } catch { throw shown(error) }
        }
    }

    private static func isINI(_ text: String, _ file: String) -> Bool {
        if [".yaml", ".yml"].contains(where: file.hasSuffix) { return false }
        if [".ini", ".cfg", "/.starcluster/config"].contains(where: file.hasSuffix) { return true }
        return text.split(whereSeparator: \.isNewline).contains { $0.first == "[" }
    }

    // MARK: - What there is

    /// In the order of the file.
    package var templateNames: [String] { source?.templateNames ?? [] }
    package var pluginNames: [String] { source?.pluginNames ?? [] }
    /// The value of `clusters:`, for the inventory's own reader; a StarCluster file has none.
    package var inventory: ConfigNode? { source?.inventory }
    /// What is wrong with the file and with none of its sections; a line each.
    package var warnings: [String] { source?.strayProblems.map(\.description) ?? [] }

    /// Whether a default template is named, or what should name it is wrong.
    package var namesDefaultTemplate: Bool {
        do throws(ConfigError) { return try source?.globals().defaultTemplate != nil } catch { return true }
    }

    /// The template that `start` takes when it is given none.
    ///
    /// - Throws: `SallyError(.misconfigured)` when none is named.
    package func defaultTemplate() throws -> String {
        do throws(ConfigError) {
            if let name = try source?.globals().defaultTemplate { return name }
        } catch { throw ClusterSettings.shown(error) }
        switch form {
        case .ini:
            var message =
                "No default cluster template specified.\n\nTo set the default cluster template, set DEFAULT_TEMPLATE in"
                + " the [global] section of the config to the name of one of your cluster templates"
            if !templateNames.isEmpty {
                message += "\n\nCurrent Templates:\n\n" + templateNames.joined(separator: ", ")
            }
            throw SallyError(.misconfigured, message)
        case .yaml:
            throw SallyError(
                .misconfigured, "no template is named, and \(file) has no default_template",
                hint: there(templateNames, "templates"))
        }
    }

    func there(_ names: [String], _ noun: String) -> String {
        names.isEmpty ? "\(file) has no \(noun)" : "there are: \(names.joined(separator: ", "))"
    }

    static func shown(_ error: ConfigError) -> SallyError {
        SallyError(.misconfigured, error.description, hint: "docs/clusters-config.md describes the settings")
    }

    // MARK: - Regions

    static let regionRule = "1-40 characters of a-z 0-9 - are wanted, a letter first"

    /// What can stand in the name of a file: `us-east-1`.
    static func isRegion(_ text: String) -> Bool {
        guard let first = text.utf8.first, (0x61...0x7a).contains(first), text.utf8.count <= 40 else { return false }
        return text.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
    }
}
