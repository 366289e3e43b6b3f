// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyModel
import StrictJSON
import Testing

@testable import ClusterCommands

@Suite struct KeyNewsOutputTests {
    @Test func whatBecameOfKeysIsInTheJSON() {
        let lists: [(WritableKeyPath<KeyNews, [UserName]>, String)] = [
            (\.known, "known"), (\.finished, "finished"), (\.waiting, "waiting"), (\.unrenewed, "unrenewed"),
            (\.stale, "stale"), (\.unheld, "unheld"), (\.dropped, "dropped"),
        ]
        var news = KeyNews()
        for (path, name) in lists { news[keyPath: path] = [UserName(unchecked: name)] }
        news.files.removed = ["/k/a.age"]
        news.files.left = ["/k/b.age"]
        for (_, name) in lists { #expect(news.json[name]?.array?.map(\.string) == [name]) }
        #expect(news.json["removed_files"]?.array?.map(\.string) == ["/k/a.age"])
        #expect(news.json["left_files"]?.array?.map(\.string) == ["/k/b.age"])
    }
}
