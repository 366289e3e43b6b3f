// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// What the steward knows for ever: who has which uid, who is where, who is locked. Pure; `StewardRecord` keeps it.
struct StewardBook: Sendable {
    private(set) var uids: [UserName: UserID] = [:]
    private var names: [UserID: UserName] = [:]
    private var states: [Place: State] = [:]

    struct Place: Hashable, Sendable {
        var cluster: ClusterName
        var user: UserName
    }

    enum State: String, Sendable {
        /// Made or adopted there, or about to be.
        case active
        /// The same, and locked.
        case locked
        /// Locked where there never was an account of ours: nothing there is touched, and none is made.
        case barred
        /// Barred once.
        case absent

        /// Whether the account of that name is ours, so that it may be locked.
        var isOurs: Bool {
            switch self {
            case .active, .locked: true
            case .barred, .absent: false
            }
        }

        var isLocked: Bool {
            switch self {
            case .locked, .barred: true
            case .active, .absent: false
            }
        }
    }

    /// One line of the record's file: `bind NAME UID` or `state CLUSTER NAME STATE`.
    enum Entry: Equatable, Sendable {
        case bind(UserName, UserID)
        case state(Place, State)

        var text: String {
            switch self {
            case .bind(let name, let uid): "bind \(name) \(uid)"
            case .state(let place, let state): "state \(place.cluster) \(place.user) \(state.rawValue)"
            }
        }

        init(_ text: String) throws {
            let words = text.split(separator: " ").map(String.init)
            switch (words.first, words.count) {
            case ("bind", 3):
                guard let uid = UInt32(words[2]) else { break }
                self = .bind(try UserName(words[1]), try UserID(uid))
                return
            case ("state", 4):
                guard let state = State(rawValue: words[3]) else { break }
                self = .state(Place(cluster: try ClusterName(words[1]), user: try UserName(words[2])), state)
                return
            default: break
            }
            throw SallyError(.misconfigured, "a line of the steward's record cannot be read: \(quoted(text))")
        }
    }

    func state(_ place: Place) -> State? { states[place] }

    func users(on cluster: ClusterName) -> Set<UserName> {
        Set(states.filter { $0.key.cluster == cluster && $0.value.isOurs }.map(\.key.user))
    }

    /// Whether `name` may have `uid`, as far as is known.
    ///
    /// - Throws: `SallyError(.conflict)` that names both owners.
    func check(_ name: UserName, _ uid: UserID) throws {
        if let known = uids[name], known != uid {
            throw SallyError(.conflict, "\(name) has uid \(known) for ever, not \(uid)")
        }
        if let owner = names[uid], owner != name {
            throw SallyError(.conflict, "uid \(uid) belongs to \(owner) for ever, not to \(name)")
        }
    }

    /// - Returns: false when nothing changed.
    mutating func apply(_ entry: Entry) throws -> Bool {
        switch entry {
        case .bind(let name, let uid):
            try check(name, uid)
            guard uids[name] == nil else { return false }
            uids[name] = uid
            names[uid] = name
        case .state(let place, let state):
            guard states[place] != state else { return false }
            states[place] = state
        }
        return true
    }
}
