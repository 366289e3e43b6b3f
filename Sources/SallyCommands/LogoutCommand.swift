// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import StrictJSON

struct LogoutCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "End the session, here and at the gateway. Jobs run on.")

    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        let context = try common.chosen(here)
        let store = try here.store
        guard let session = try store.session(context.name) else {
            if common.json { return try here.putJSON("logout", [("ended", false)]) }
            return try here.say("you were not signed in (context \(context.name))")
        }
        let exchange = try here.exchange(context.gateway, context.caFile)
        var failure: SallyError?
        do {
            try await SignIn.end(session, exchange)
        } catch let error as SallyError {
            failure = error
        } catch {
            await exchange.close()
            throw error
        }
        await exchange.close()
        try store.removeSession(context.name)
        if let failure {
            throw SallyError(
                failure.code, "signed out here, but the gateway did not confirm: \(failure.message)",
                hint: "the session at the gateway ends by itself; an administrator can end it now")
        }
        if common.json { return try here.putJSON("logout", [("ended", true)]) }
        try here.say("signed out of \(context.gateway) (context \(context.name)); your jobs run on")
    }
}
