// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
package import SallyModel

/// Locks, unlocks and removes one account on one machine. Every step is tried and reported, whatever became of the
/// others; what takes as long as the user likes comes last.
///
/// Locked means: the account has expired (sshd, cron, su and login all refuse then, shadow(5)), its password is locked,
/// authorized_keys is out of the home, cron and at are denied and their tables moved aside, and what the user runs
/// outside of jobs is ended. What is moved aside belongs to root and comes back with unlock; of several locks the first
/// one's counts.
package enum LockScript {
    package enum Act: String, Sendable {
        case lock
        case unlock
        case remove
    }

    /// - Parameters:
    ///   - record: the new line of the record, and the lines the caller saw before; only for the controller.
    ///   - home: where authorized_keys is, on the machine that serves homes; nil elsewhere.
    package static func make(
        _ act: Act, user: UserName, uid: UserID, home: String?, record: (line: String, before: [String])?,
        place: Place, in layout: ClusterLayout
    ) -> String {
        var calls = ["hold_record", "hold_vault"]
        let name = user.rawValue
        if place.account {
            calls.append(shellCall("\(act.rawValue)_account", [name, "\(uid)"]))
        }
        if let home, act != .remove { calls.append(shellCall("\(act.rawValue)_keys", [name, "\(uid)", home])) }
        if place.slurm {
            switch act {
            case .lock: calls.append(shellCall("slurm_lock", [name]))
            case .unlock: calls += [shellCall("slurm_unlock", [name]), shellCall("slurm_unscrontab", [name])]
            case .remove: if !place.account { calls.append(shellCall("forget", [name])) }
            }
        }
        if let record {
            calls.append(
                shellCall("record_line", [name, "\(uid)", record.before.joined(separator: "\n"), record.line]))
        }
        // Last, because the user decides how many processes and jobs there are.
        if place.account, act == .lock { calls.append(shellCall("end_sessions", [name, "\(uid)"])) }
        if place.slurm, act == .lock {
            calls += [shellCall("slurm_scrontab", [name]), shellCall("slurm_requeue", [name, "\(uid)"])]
        }
        return layout.prologue + AccountScript.stepLibrary + RecordScript.library + ExpiryScript.keeping
            + SlurmScript.library
            + QOSScript.library + SessionScript.library + library
            + ProbeScript.main(calls + ["printf 'end\\n'"])
    }

    /// What a machine is for one account.
    package struct Place: Sendable, Equatable {
        /// passwd has the account.
        package var account: Bool
        /// Slurm is asked here.
        package var slurm: Bool
        package init(account: Bool, slurm: Bool) {
            self.account = account
            self.slurm = slurm
        }
    }

    static let library = #"""
        vault=$state/locked
        # A record that has changed meanwhile ends this step alone.
        record_line() { record "$@" | grep -vx end; }
        at_folders="/var/spool/cron/atjobs /var/spool/at"
        # Never over something: mv -n says nothing when it leaves the source where it is (coreutils 9.1).
        move_new() { mv -nT -- "$1" "$2" && [ ! -e "$1" ] && [ ! -L "$1" ]; }
        hold_vault() { mkdir -p -m 0700 "$vault" || fail vault "$vault cannot be made"; }
        # is_ours NAME UID: the account is there and has the uid we were told.
        is_ours() { [ "$(getent passwd "$1" | cut -d: -f3)" = "$2" ]; }

        lock_account() {
            local name=$1 uid=$2 expire said
            if ! is_ours "$name" "$uid"; then
                report "account expiry" skipped "$name with uid $uid is not on this machine"
                return
            fi
            expire=$(getent shadow "$name" | cut -d: -f8)
            [ -e "$vault/$name.expire" ] || printf '%s\n' "$expire" >"$vault/$name.expire"
            if said=$(usermod --expiredate 1 "$name" 2>&1) && [ "$(getent shadow "$name" | cut -d: -f8)" = 1 ]; then
                report "account expiry" done "expired"
            else
                report "account expiry" failed "$said"
            fi
            case $(getent shadow "$name" | cut -d: -f2) in
            '!'*) report password unchanged "was locked" ;;
            *)
                if said=$(usermod --lock "$name" 2>&1); then
                    : >"$vault/$name.password"
                    report password done "locked"
                else
                    report password failed "$said"
                fi
                ;;
            esac
            lock_cron "$name" "$uid"
        }
        # cron.deny and at.deny count only where there is no .allow (crontab(1), at(1)). Making at.deny where neither is
        # would let everybody else in, so it is only added to; Debian's cron lets everybody in anyway.
        lock_cron() {
            local name=$1 uid=$2 what file said=
            for what in cron at; do
                if [ -f "/etc/$what.allow" ]; then
                    ! grep -qxF -- "$name" "/etc/$what.allow" || {
                        : >"$vault/$name.$what-allow"
                        drop_line "$name" "/etc/$what.allow" || said+="/etc/$what.allow cannot be written; "
                    }
                elif [ -f "/etc/$what.deny" ] || { [ "$what" = cron ] && [ -e /etc/debian_version ]; }; then
                    grep -qxF -- "$name" "/etc/$what.deny" 2>/dev/null || {
                        : >"$vault/$name.$what-deny"
                        add_line "$name" "/etc/$what.deny" || said+="/etc/$what.deny cannot be written; "
                    }
                fi
            done
            for file in /var/spool/cron/crontabs/"$name" /var/spool/cron/"$name"; do
                [ -f "$file" ] && [ ! -L "$file" ] || continue
                if [ -e "$vault/$name.crontab" ]; then
                    mv -fT -- "$file" "$vault/$name.crontab-later" || said+="$file cannot be moved; "
                else
                    printf '%s\n' "$file" >"$vault/$name.crontab-path" && mv -fT -- "$file" "$vault/$name.crontab" ||
                        said+="$file cannot be moved; "
                fi
            done
            for file in $at_folders; do
                [ -d "$file" ] || continue
                mkdir -p -m 0700 "$vault/$name.at/${file##*/}" &&
                    find "$file" -mindepth 1 -maxdepth 1 -type f -uid "$uid" \
                        -exec mv -n -t "$vault/$name.at/${file##*/}" -- {} + &&
                    [ -z "$(find "$file" -mindepth 1 -maxdepth 1 -type f -uid "$uid")" ] ||
                    said+="$file cannot be emptied; "
            done
            rmdir "$vault/$name.at"/* 2>/dev/null
            rmdir "$vault/$name.at" 2>/dev/null
            if [ -z "$said" ]; then report "cron and at" done "denied"; else report "cron and at" failed "$said"; fi
        }
        add_line() {
            local new=$2.sallyport-new
            { { [ ! -f "$2" ] || awk 1 "$2"; } && printf '%s\n' "$1"; } >"$new" && chmod 0644 "$new" && mv -fT "$new" "$2"
        }
        drop_line() {
            local new=$2.sallyport-new
            grep -vxF -- "$1" "$2" >"$new"
            [ $? -le 1 ] && chmod --reference="$2" "$new" && chown --reference="$2" "$new" && mv -fT "$new" "$2"
        }
        unlock_account() {
            local name=$1 uid=$2 expire said= what path
            if ! is_ours "$name" "$uid"; then
                report "account expiry" skipped "$name with uid $uid is not on this machine"
                return
            fi
            expire=$(cat "$vault/$name.expire" 2>/dev/null)
            if said=$(chage --expiredate "${expire:--1}" "$name" 2>&1); then
                rm -f "$vault/$name.expire"
                report "account expiry" done "as before"
            else
                report "account expiry" failed "$said"
            fi
            if [ -e "$vault/$name.password" ]; then
                if said=$(usermod --unlock "$name" 2>&1); then
                    rm -f "$vault/$name.password"
                    report password done "unlocked"
                else
                    report password failed "$said"
                fi
            fi
            said=
            for what in cron at; do
                if [ -e "$vault/$name.$what-deny" ]; then
                    drop_line "$name" "/etc/$what.deny" && rm -f "$vault/$name.$what-deny" || said+="/etc/$what.deny; "
                fi
                if [ -e "$vault/$name.$what-allow" ]; then
                    add_line "$name" "/etc/$what.allow" && rm -f "$vault/$name.$what-allow" || said+="/etc/$what.allow; "
                fi
            done
            if [ -e "$vault/$name.crontab" ] && path=$(cat "$vault/$name.crontab-path"); then
                move_new "$vault/$name.crontab" "$path" && rm -f "$vault/$name.crontab-path" "$vault/$name.crontab-later" ||
                    said+="$path; "
            fi
            unlock_at "$name" || said+="$vault/$name.at; "
            if [ -z "$said" ]; then report "cron and at" done "allowed"; else report "cron and at" failed "$said"; fi
        }
        # Jobs whose time has passed run now (at(1)). A lock of before kept them without their folder's name.
        unlock_at() {
            local kept=$vault/$1.at folder file
            [ -d "$kept" ] || return 0
            for folder in $at_folders; do
                [ -d "$folder" ] || continue
                for file in "$kept/${folder##*/}"/* "$kept"/*; do
                    [ ! -f "$file" ] || [ -L "$file" ] || move_new "$file" "$folder/${file##*/}" || return 1
                done
            done
            [ -z "$(find "$kept" -type f)" ] && rm -rf -- "$kept"
        }

        # home_folder NAME UID HOME: into .ssh of the home, by no link: the shell's own folder is what is worked in, so
        # nothing that the user renames afterwards leads elsewhere.
        enter_ssh() {
            local uid=$1 home=$2
            cd -P -- "$home/.ssh" 2>/dev/null && [ "$PWD" = "$home/.ssh" ] && [ "$(stat -c %u .)" = "$uid" ]
        }
        # The vault for homes is beside them: a rename within one file system moves the name itself, whatever it is. The
        # file keeps its owner, who cannot reach it there: a change would reach every other name (hard link) of it too.
        home_vault() {
            local parent=${1%/*}
            keys=$parent/.sallyport-locked
            [ "$(realpath -e -- "$parent")" = "$parent" ] && [ ! -L "$keys" ] && mkdir -p -m 0700 "$keys" &&
                [ "$(stat -c '%F %u' "$keys")" = 'directory 0' ]
        }
        lock_keys() {
            local name=$1 uid=$2 home=$3 file moved=
            if [ -L "$home/.ssh" ]; then
                home_vault "$home" && move_new "$home/.ssh" "$keys/$name.ssh-link" &&
                    report authorized_keys done ".ssh was a link and is moved aside" ||
                    report authorized_keys failed "$home/.ssh is a link and cannot be moved aside"
                return
            fi
            if [ ! -d "$home/.ssh" ]; then
                report authorized_keys unchanged "there is none"
                return
            fi
            if ! home_vault "$home"; then
                report authorized_keys failed "no folder for what is moved aside beside $home"
                return
            fi
            if (
                enter_ssh "$uid" "$home" || exit 3
                for file in authorized_keys authorized_keys2; do
                    [ -e "$file" ] || [ -L "$file" ] || continue
                    [ "$(stat -c %d .)" = "$(stat -c %d "$keys")" ] || exit 4
                    mv -fT -- "$file" "$keys/$name.$file" || exit 5
                done
            ); then
                report authorized_keys done "out of use"
            else
                case $? in
                3) report authorized_keys failed "$home/.ssh is not a folder of uid $uid, or is reached through a link" ;;
                4) report authorized_keys failed "$home is another file system than its parent" ;;
                *) report authorized_keys failed "authorized_keys cannot be moved" ;;
                esac
            fi
        }
        unlock_keys() {
            local name=$1 uid=$2 home=$3 file
            if ! home_vault "$home"; then
                report authorized_keys failed "no folder for what was moved aside beside $home"
                return
            fi
            if [ -L "$keys/$name.ssh-link" ] && [ ! -e "$home/.ssh" ]; then
                if move_new "$keys/$name.ssh-link" "$home/.ssh"; then
                    report authorized_keys done ".ssh is the link again that it was"
                else
                    report authorized_keys failed "$home/.ssh cannot be made the link again that it was"
                fi
                return
            fi
            if ! compgen -G "$keys/$name.authorized_keys*" >/dev/null; then
                report authorized_keys unchanged "nothing was moved aside"
                return
            fi
            if (
                enter_ssh "$uid" "$home" || exit 3
                for file in authorized_keys authorized_keys2; do
                    [ -e "$keys/$name.$file" ] || [ -L "$keys/$name.$file" ] || continue
                    [ "$(stat -c %h "$keys/$name.$file")" = 1 ] || exit 4
                    mv -fT -- "$keys/$name.$file" "$file" || exit 5
                done
            ); then
                report authorized_keys done "back in use"
            else
                case $? in
                3) report authorized_keys failed "$home/.ssh cannot be entered without following a link" ;;
                4) report authorized_keys failed "what was moved aside has a second name (hard link): look in $keys" ;;
                *) report authorized_keys failed "authorized_keys cannot be moved back" ;;
                esac
            fi
        }

        # What was kept for unlock: whoever is ensured by that name later gets back nothing of it. The files' names hold a
        # dot, which no name of a person does.
        forget() {
            rm -rf -- "$vault/$1".{expire,password,crontab,crontab-path,crontab-later,cron-deny,at-deny,cron-allow,at-allow,at} \
                "$vault/$1".{scrontab,scrontab-later,scrontab.new,scrontab-later.new,limits,limits.new,qos,qos.new}
            forget_expiring <<<"$1"
        }
        # The home stays; so do its files' owner and the line in the record, and with them the uid.
        remove_account() {
            local name=$1 uid=$2 said
            if ! is_ours "$name" "$uid"; then
                # Not what is kept of somebody else by that name.
                getent passwd "$name" >/dev/null || forget "$name"
                report account unchanged "$name with uid $uid is not on this machine"
                return
            fi
            if said=$(userdel "$name" 2>&1) && ! getent passwd "$name" >/dev/null; then
                getent group "$name" >/dev/null && groupdel "$name" 2>/dev/null
                forget "$name"
                report account done "removed; the home stays"
            else
                report account failed "$said"
            fi
        }

        """#
}
