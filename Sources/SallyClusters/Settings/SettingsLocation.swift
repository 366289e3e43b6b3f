// SPDX-License-Identifier: Apache-2.0

package import SallyConfig
import SallyModel

/// Where the file of cluster settings is.
package struct SettingsLocation: Sendable, Equatable {
    /// Absolute.
    package var path: String
    /// What says so.
    package var origin: Origin
    /// A file that would have been read if this one were not there.
    package var shadowed: String?

    package enum Origin: Sendable, Equatable {
        case option
        case variable(String)
        /// A usual place, where the file is.
        case place
        /// A usual place, where nothing is.
        case missing
    }

    /// `-c FILE`; else `STARCLUSTER_CONFIG` or `SALLYPORT_CLUSTERS`; else ~/.starcluster/config; else
    /// /etc/sallyport/clusters.yaml for root, ~/.config/sallyport/clusters.yaml for others.
    ///
    /// - Parameters:
    ///   - option: after `-c`.
    ///   - workingFolder: what relative paths of `option` and the variables begin with.
    /// - Throws: `SallyError` for an address, for two variables that name two files, and where a path cannot be made
    ///   absolute.
    package static func find(
        option: String?, environment: [String: String], isRoot: Bool, workingFolder: String
    ) throws -> SettingsLocation {
        let paths = PathExpansion(environment: environment, folder: workingFolder)
        if let option { return SettingsLocation(path: try absolute(option, "-c", paths), origin: .option) }
        let variables = try ["STARCLUSTER_CONFIG", "SALLYPORT_CLUSTERS"].compactMap { name -> SettingsLocation? in
            guard let text = environment[name], !text.isEmpty else { return nil }
            return SettingsLocation(path: try absolute(text, name, paths), origin: .variable(name))
        }
        if let first = variables.first {
            guard variables.allSatisfy({ $0.path == first.path }) else {
                throw SallyError(
                    .invalidRequest, "STARCLUSTER_CONFIG and SALLYPORT_CLUSTERS name two files",
                    hint: "unset one of them, or give -c FILE")
            }
            return first
        }
        let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        let old = home.map { "\($0)/.starcluster/config" }
        let native = isRoot ? "/etc/sallyport/clusters.yaml" : home.map { nativePlace($0, environment) }
        guard let usual = old ?? native else {
            throw SallyError(.misconfigured, "HOME is not set", hint: "give -c FILE")
        }
        switch (old.map(Disk.exists) ?? false, native.map(Disk.exists) ?? false) {
        case (true, let other): return SettingsLocation(path: usual, origin: .place, shadowed: other ? native : nil)
        case (false, true): return SettingsLocation(path: native ?? usual, origin: .place)
        case (false, false): return SettingsLocation(path: usual, origin: .missing)
        }
    }

    /// Reads it. A usual place where nothing is has no templates and no plugins; a file that was named must be there.
    ///
    /// - Throws: as `ClusterSettings.load`.
    package func load(environment: [String: String]) throws -> ClusterSettings {
        switch origin {
        case .missing: .absent(path, environment: environment)
        case .option, .variable, .place: try .load(path, environment: environment)
        }
    }

    /// The machines that exist already. A file of StarCluster's has none: where it only stands before `clusters.yaml`, those
    /// of that file.
    ///
    /// - Parameter settings: what was loaded from here.
    /// - Throws: `SallyError(.misconfigured)` when the list as a whole is wrong. One cluster that is concerns no other.
    package func machines(of settings: ClusterSettings, files: FileChecks = .check) throws -> Inventory {
        if let list = settings.inventory {
            return try InventoryReader.read(
                list, file: settings.file, home: settings.environment["HOME"], files: files)
        }
        return try shadowed.map { try Inventory.load($0, environment: settings.environment, files: files) } ?? .none
    }

    private static func nativePlace(_ home: String, _ environment: [String: String]) -> String {
        let folder = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/.config"
        return "\(folder)/sallyport/clusters.yaml"
    }

    private static func absolute(_ text: String, _ origin: String, _ paths: PathExpansion) throws -> String {
        guard !isWebAddress(text) else {
            throw SallyError(
                .unsupported, "\(origin) names an address, and settings are not fetched from the network",
                hint: "save it as a file, look at it, and name that")
        }
        guard !text.isEmpty, !text.utf8.contains(0) else {
            throw SallyError(.invalidRequest, "\(origin) names no file")
        }
        do { return try paths.expand(text) } catch {
            throw SallyError(.invalidRequest, "\(origin) \(quoted(text)): \(error.message)")
        }
    }
}
