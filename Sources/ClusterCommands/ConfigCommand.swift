// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyModel
import StrictJSON

/// `config convert`: StarCluster's configuration as clusters.yaml, and back.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Convert the settings of clusters.", subcommands: [ConfigConvertCommand.self])
}

struct ConfigConvertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert", abstract: "Print the settings file in the other form: StarCluster's INI, or YAML.",
        discussion: """
            What the other form has no word for is named on standard error. Access keys of [aws info] are never carried.
            """)

    @Flag(name: .customLong("json"), help: "Print JSON: the text, and what was not carried over.")
    var json = false

    @OptionGroup var file: ClusterFileOption

    func run() async throws {
        let surroundings = try Surroundings.own()
        let settings = try surroundings.settings(file.config)
        let converted = try settings.converted(to: settings.form == .ini ? .yaml : .ini)
        if json {
            surroundings.print(
                [
                    "schema": "sally.cluster.config/1", "text": .string(converted.text),
                    "not_carried": .array(converted.notCarried.map { .string($0) }),
                ] as JSONValue)
            return
        }
        surroundings.printPart(converted.text)
        let announcer = Announcer(surroundings, isSilent: false)
        for line in converted.notCarried { announcer.warn("not carried over: \(line)") }
    }
}
