// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyModel

struct WithdrawCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw", abstract: "Take the administrator's role from a person.")
    @Argument(help: "The person's user name.") var user: String
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws { try await setRole(.researcher, of: user, common, here) }
}
