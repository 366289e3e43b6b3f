// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// What `--export` sends along of this machine's environment. Unlike sbatch, nothing unless asked: PATH, HOME and the
/// like of a laptop are wrong on a cluster, and its tokens are nobody's business there.
enum ExportedEnvironment {
    /// - Parameter export: `NONE`, `NIL`, or a list of `NAME`, `NAME=VALUE` and `ALL`; nil is `NONE`.
    /// - Throws: `SallyError(.invalidRequest)` for a name that is not set, or one that is never sent.
    static func make(_ export: String?, from environment: [String: String]) throws -> [String: String] {
        guard let export, !["NONE", "NIL", ""].contains(export.uppercased()) else { return [:] }
        var result: [String: String] = [:]
        for item in try items(export) {
            if item == "ALL" {
                for (name, value) in environment where mayLeave(name) && isName(name) { result[name] = value }
                continue
            }
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts[0]
            guard isName(name) else {
                throw SallyError(
                    .invalidRequest, "--export: \(quoted(name)) is not a variable's name",
                    hint: "say --export=NAME or --export=NAME=VALUE")
            }
            guard !neverSent(name) else {
                throw SallyError(
                    .invalidRequest, "--export: \(name) is never sent into a job",
                    hint: "variables of sally, Slurm and the dynamic linker, and tokens, stay here")
            }
            if parts.count == 2 {
                result[name] = parts[1]
            } else {
                guard let value = environment[name] else {
                    throw SallyError(
                        .invalidRequest, "--export: \(name) is not set", hint: "say --export=\(name)=VALUE")
                }
                result[name] = value
            }
        }
        return result
    }

    /// At commas outside of quotes; a value in single or double quotes may have commas (sbatch(1), --export).
    private static func items(_ text: String) throws -> [String] {
        var items: [String] = []
        var item = ""
        var quote: Character?
        for character in text {
            switch (character, quote) {
            case (",", nil):
                items.append(item)
                item = ""
            case ("'", nil), ("\"", nil): quote = character
            case (_, .some(let open)) where character == open: quote = nil
            default: item.append(character)
            }
        }
        guard quote == nil else { throw SallyError(.invalidRequest, "--export: a quote is not closed") }
        return (items + [item]).filter { !$0.isEmpty }
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x5f
        }
    }

    /// Ours, Slurm's, the dynamic linker's, shell functions, and what is a secret by its name.
    static func neverSent(_ name: String) -> Bool {
        let upper = name.uppercased()
        return ["SALLY", "SLURM", "SBATCH_", "SRUN_", "SQUEUE_", "SPANK_", "LD_", "DYLD_", "BASH_FUNC", "MUNGE"]
            .contains(
                where: upper.hasPrefix)
            || [
                "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "API_KEY", "APIKEY", "ACCESS_KEY",
                "PRIVATE_KEY", "JWT",
            ]
            .contains(where: upper.contains)
    }

    /// What `ALL` means: neither the above nor what belongs to this machine and this login.
    static func mayLeave(_ name: String) -> Bool {
        let upper = name.uppercased()
        return !neverSent(name) && !machine.contains(upper)
            && !["XDG_", "SSH_", "DBUS_", "GPG_", "KRB5", "SUDO_", "AWS_", "VAULT_"].contains(where: upper.hasPrefix)
            && !upper.hasSuffix("_AUTH") && !upper.hasSuffix("_KEY")
    }

    private static let machine: Set<String> = [
        "PATH", "HOME", "SHELL", "USER", "LOGNAME", "PWD", "OLDPWD", "SHLVL", "_", "TMPDIR", "TMP", "TEMP", "HOSTNAME",
        "TERM",
        "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "MAIL", "ENV", "BASH_ENV", "IFS", "PS1", "PS2", "PS4",
        "PROMPT_COMMAND",
        "BROWSER", "EDITOR", "PAGER", "MANPATH", "CDPATH", "SHELLOPTS", "BASHOPTS", "LS_COLORS", "COLORTERM",
        "KUBECONFIG", "NETRC", "HISTFILE", "PYTHONSTARTUP", "MACHTYPE", "OSTYPE", "HOSTTYPE",
    ]
}
