// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel
import SallyTestSupport
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension ContextStore {
    /// For many at once.
    static func patient(_ folder: String) -> ContextStore {
        var store = ContextStore(folder: folder)
        store.listPatience = .seconds(240)
        store.sessionPatience = .seconds(240)
        return store
    }
}

@Suite struct ContextStoreTests {
    private func context(_ name: String) throws -> GatewayContext {
        GatewayContext(
            name: try ContextName(name), gateway: try GatewayAddress("https://a.example"),
            cluster: try ClusterName("c1"),
            caFile: nil)
    }

    @Test func foldersAndFilesArePrivate() async throws {
        try await withScratchFolder { folder in
            let store = ContextStore(folder: "\(folder)/x/sallyport")
            let context = try context("a")
            try await store.update { $0.put(context) }
            try store.save(
                StoredSession(
                    gateway: context.gateway, user: try UserName("alice"), accessToken: Secret("t"),
                    expires: Timestamp(1),
                    refreshToken: Secret("r"), sessionExpires: Timestamp(2)), context.name)
            #expect(permissions(of: "\(folder)/x/sallyport") == 0o700)
            #expect(permissions(of: "\(folder)/x/sallyport/contexts.json") == 0o600)
            #expect(permissions(of: "\(folder)/x/sallyport/sessions") == 0o700)
            #expect(permissions(of: "\(folder)/x/sallyport/sessions/a.json") == 0o600)
            #expect(try store.load().contexts == [context])
        }
    }

    @Test(arguments: [
        "", "{", "[]", #"{"schema":"sallyport/contexts/2","contexts":[]}"#,
        #"{"schema":"sallyport/contexts/1","contexts":[],"more":1}"#,
        #"{"schema":"sallyport/contexts/1","contexts":[{"name":"../x","gateway":"https://a"}]}"#,
        #"{"schema":"sallyport/contexts/1","contexts":[{"name":"a","gateway":"http://a.example"}]}"#,
        #"{"schema":"sallyport/contexts/1","contexts":[{"name":"a","gateway":"https://a"},{"name":"a","gateway":"https://b"}]}"#,
        #"{"schema":"sallyport/contexts/1","contexts":[],"contexts":[]}"#,
    ])
    func badFilesAreNamed(text: String) async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/contexts.json", text)
            let error = #expect(throws: SallyError.self) { try ContextStore(folder: folder).load() }
            #expect(error?.code == .misconfigured)
            #expect(error?.message.contains("contexts.json") == true)
        }
    }

    @Test func filesThatOthersCanReadAreRefused() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/contexts.json", #"{"schema":"sallyport/contexts/1","contexts":[]}"#, mode: 0o644)
            let error = #expect(throws: SallyError.self) { try ContextStore(folder: folder).load() }
            #expect(error?.hint?.contains("chmod 600") == true)
        }
    }

    @Test func updatesAtOnceAllCount() async throws {
        try await withScratchFolder { folder in
            let store = ContextStore.patient(folder)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    let context = try context("c\(number)")
                    group.addTask { try await store.update { $0.put(context) } }
                }
                try await group.waitForAll()
            }
            #expect(try store.load().contexts.count == 20)
        }
    }

    /// A program that is being started has the descriptor too for a moment.
    @Test func aLockIsGivenBackWhoeverHasTheDescriptorStill() async throws {
        try await withScratchFolder { folder in
            let path = "\(folder)/lock"
            let lock = try await FileLock(path, within: .seconds(240))
            let second = try secondDescriptor(of: path)
            defer { close(second) }
            _ = consume lock
            let again = try await FileLock(path, within: .zero)
            _ = consume again
        }
    }

    @Test(arguments: [
        (["SALLY_CONFIG_DIR": "/s", "XDG_CONFIG_HOME": "/x", "HOME": "/h"], "/s"),
        (["XDG_CONFIG_HOME": "/x", "HOME": "/h"], "/x/sallyport"),
        (["HOME": "/h", "XDG_CONFIG_HOME": ""], "/h/.config/sallyport"),
    ])
    func theFolderIsChosen(environment: [String: String], folder: String) throws {
        #expect(try ContextStore.folder(environment: environment) == folder)
    }

    @Test(arguments: [[:], ["HOME": "relative"]])
    func noFolderIsAnError(environment: [String: String]) {
        #expect(throws: SallyError.self) { try ContextStore.folder(environment: environment) }
    }

    @Test(arguments: ["", ".", "..", "-x", "a/b", "a b", "é", String(repeating: "a", count: 41)])
    func badNamesAreRefused(name: String) { #expect(throws: SallyError.self) { try ContextName(name) } }

    @Test func sessionsNeverPrintTokens() throws {
        let session = StoredSession(
            gateway: try GatewayAddress("https://a"), user: try UserName("alice"), accessToken: Secret("very-secret"),
            expires: Timestamp(1), refreshToken: Secret("very-secret"), sessionExpires: Timestamp(2))
        #expect(!"\(session)".contains("very-secret"))
    }
}
