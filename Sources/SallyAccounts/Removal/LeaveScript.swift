// SPDX-License-Identifier: Apache-2.0

/// Functions that take away accounts, associations and, where that is asked for, what users have left on a disk.
enum LeaveScript {
    static let library = #"""
        # jobs_left: reads uids. Every job of theirs that slurmctld knows and that has not ended; a state that we have never
        # heard of has not.
        jobs_left() {
            local asked all
            asked=$(cat)
            SECONDS=0
            all=$(soon squeue -h -a -t all -o '%A %U %T') || exit 69
            awk -v OFS='\t' 'BEGIN { split("BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED NODE_FAIL OUT_OF_MEMORY PREEMPTED REVOKED TIMEOUT", list, " ")
                    for (i in list) ended[list[i]] }
                FILENAME == ARGV[1] { uid[$1]; next }
                $2 in uid && !($3 in ended) { print "job", $2, $1 }' \
                <(printf '%s\n' "$asked") <(printf '%s\n' "$all")
        }
        # forget_associations: name and uid of each, without jobs by now. Slurm refuses where it knows of one.
        forget_associations() {
            local rows config cluster enforced
            rows=$(cat)
            slurm_settings || { each_fails association "slurmctld does not answer"; return; }
            for_chunks forget_chunk <<<"$rows"
        }
        forget_chunk() {
            local said= now
            now=$(soon sacctmgr -nP show assoc where user="$list" cluster="$cluster" format=user) ||
                { each_fails association "slurmdbd does not answer"; return; }
            if [ -z "$now" ]; then
                while IFS=$'\t' read -r subject _; do report association unchanged "$subject has none"; done <<<"$rows"
                return
            fi
            said=$(soon sacctmgr -i delete user where name="$(sort -u <<<"$now" | paste -sd,)" cluster="$cluster" 2>&1)
            # One whom Slurm refuses keeps the others of a call.
            now=$(soon sacctmgr -nP show assoc where user="$list" cluster="$cluster" format=user | sort -u)
            while IFS= read -r subject; do
                [ -n "$subject" ] && [ "$SECONDS" -lt 40 ] || continue
                soon sacctmgr -i delete user where name="$subject" cluster="$cluster" >/dev/null 2>&1 </dev/null
            done <<<"$now"
            if ! now=$(soon sacctmgr -nP show assoc where user="$list" cluster="$cluster" format=user); then
                each_fails association "slurmdbd does not answer"
                return
            fi
            while IFS=$'\t' read -r subject _; do
                case $'\n'$now$'\n' in
                *$'\n'"$subject"$'\n'*) report association failed "${said:-the association of $subject is still there}" ;;
                *) report association done "$subject has none on $cluster" ;;
                esac
            done <<<"$rows"
        }
        # remove_users: name and uid of each. As remove_account; userdel(8) refuses while something of the user's runs.
        remove_users() {
            local rows name uid rest gone=
            local -A said=() was=() gid=()
            rows=$(cat)
            read_entries < <(cut -f1 <<<"$rows")
            while IFS=$'\t' read -r name uid rest; do
                if is_ours "$name" "$uid"; then
                    was[$name]=1
                    said[$name]=$(userdel "$name" 2>&1 </dev/null)
                fi
            done <<<"$rows"
            read_entries < <(cut -f1 <<<"$rows")
            # The group of a user's own goes too, where userdel has left it; nobody else's by that name does.
            while IFS=: read -r name _ uid _; do gid[$name]=$uid; done < <(cut -f1 <<<"$rows" | xargs -r -d '\n' getent group)
            while IFS=$'\t' read -r subject uid rest; do
                if [ -z "${was[$subject]-}" ]; then
                    [ -n "${have[$subject]-}" ] || gone+=$subject$'\n'
                    report account unchanged "$subject with uid $uid is not on this machine"
                elif [ -z "${have[$subject]-}" ]; then
                    [ "${gid[$subject]-}" != "$uid" ] || groupdel "$subject" 2>/dev/null </dev/null
                    gone+=$subject$'\n'
                    report account done "removed"
                else
                    report account failed "${said[$subject]:-the account is still there}"
                fi
            done <<<"$rows"
            subject=
            [ -z "$gone" ] || forget_all "${gone%$'\n'}"
        }
        # What was kept for unlock, as forget. What stands before the first dot of a file's name is the user's.
        forget_all() {
            find "$vault" -mindepth 1 -maxdepth 1 -printf '%f\n' | awk -F. 'FILENAME == ARGV[1] { name[$0]; next }
                $1 in name && NF > 1' <(printf '%s\n' "$1") - | sed "s,^,$vault/," | xargs -r -d '\n' rm -rf --
            forget_expiring <<<"$1"
        }

        # discard_folders KIND: name, uid, folder, link (or -) of each. A folder gets a name that only root can reach before
        # anything in it is deleted; a deletion that was interrupted is finished there. No link is followed, and no other
        # file system is entered.
        discard_folders() {
            local kind=$1 rows name uid folder link parent bin
            local -A against=() type=() owner=() device=() target=() left=() bins=()
            rows=$(cat)
            read_entries < <(cut -f1 <<<"$rows")
            while IFS=$'\t' read -r name uid folder link; do
                for parent in "${folder%/*}" "${link%/*}"; do
                    [ "$parent" != - ] && [ -z "${against[$parent]+seen}" ] || continue
                    against[$parent]=$(root_folder "$parent")
                done
                parent=${folder%/*}
                [ -n "${against[$parent]}" ] || [ -n "${bins[$parent]-}" ] || bins[$parent]=$parent/.sallyport-removed
            done <<<"$rows"
            for parent in "${!bins[@]}"; do
                bin=${bins[$parent]}
                [ ! -L "$bin" ] && mkdir -p -m 0700 -- "$bin" && [ "$(stat -c '%F %u %a' -- "$bin")" = 'directory 0 700' ] ||
                    { against[$parent]="$bin is not a folder of root's alone"; unset "bins[$parent]"; }
            done
            see_paths < <(cut -f3,4 <<<"$rows" | tr '\t' '\n' | grep -vx -e -; printf '%s\n' "${!bins[@]}")
            while IFS=$'\t' read -r subject uid folder link; do
                parent=${folder%/*}
                if [ -n "${have[$subject]-}" ]; then
                    left[$subject]="there is an account $subject on this machine"
                elif [ -n "${against[$parent]}" ]; then
                    [ -z "${type[$folder]-}" ] || left[$subject]=${against[$parent]}
                elif [ -n "${type[$folder]-}" ] && { [ "${type[$folder]}" != d ] || [ "${owner[$folder]}" != "$uid" ]; }; then
                    left[$subject]="$folder is not a folder of uid $uid"
                elif [ -n "${type[$folder]-}" ] && [ "${device[$folder]}" != "${device[$parent]}" ]; then
                    left[$subject]="$folder is another file system than its parent"
                fi
                if [ "$link" != - ] && [ -n "${type[$link]-}" ] && [ -z "${left[$subject]-}" ]; then
                    if [ -n "${against[${link%/*}]}" ]; then
                        left[$subject]=${against[${link%/*}]}
                    elif [ "${type[$link]}" != l ] || [ "${owner[$link]}" != 0 ] || [ "${target[$link]}" != "$folder" ]; then
                        left[$subject]="$link is not a link of ours to $folder"
                    fi
                fi
            done <<<"$rows"
            for parent in "${!bins[@]}"; do
                bin=${bins[$parent]}
                of_parent "$parent" | sed 's,.*/,,' | { cd -P -- "$bin" && xargs -r -d '\n' rm -rf --one-file-system --; }
                of_parent "$parent" there | xargs -r -d '\n' mv -n -t "$bin" --
                of_parent "$parent" | sed 's,.*/,,' | { cd -P -- "$bin" && xargs -r -d '\n' rm -rf --one-file-system --; }
                # The keys that a lock has moved aside go with the home they were in.
                [ "$kind" != home ] || [ -L "$parent/.sallyport-locked" ] || [ ! -d "$parent/.sallyport-locked" ] ||
                    of_parent "$parent" | sed 's,.*/,,' | { cd -P -- "$parent/.sallyport-locked" &&
                        awk '{ print $0 ".authorized_keys\n" $0 ".authorized_keys2\n" $0 ".ssh-link" }' | xargs -r -d '\n' rm -f --; }
            done 2>/dev/null
            while IFS=$'\t' read -r subject uid folder link; do
                [ "$link" = - ] || [ -n "${left[$subject]-}" ] || [ -z "${type[$link]-}" ] || printf '%s\n' "$link"
            done <<<"$rows" | xargs -r -d '\n' rm -f --
            local -A before=()
            for folder in "${!type[@]}"; do before[$folder]=1; done
            see_paths < <(while IFS=$'\t' read -r subject uid folder link; do
                printf '%s\n%s\n' "$folder" "${folder%/*}/.sallyport-removed/${folder##*/}"
                [ "$link" = - ] || printf '%s\n' "$link"
            done <<<"$rows")
            while IFS=$'\t' read -r subject uid folder link; do
                if [ -n "${left[$subject]-}" ]; then
                    report "$kind" failed "${left[$subject]}; it stays"
                elif [ -n "${type[$folder]-}" ] || [ -n "${type["${folder%/*}/.sallyport-removed/${folder##*/}"]-}" ]; then
                    report "$kind" failed "$folder could not be deleted whole; ask again"
                elif [ -n "${type[$link]-}" ]; then
                    report "$kind" failed "$link could not be deleted"
                elif [ -n "${before[$folder]-}${before[$link]-}" ]; then
                    report "$kind" done "$folder deleted"
                else
                    report "$kind" unchanged "$folder is not there"
                fi
            done <<<"$rows"
            subject=
            for parent in "${!bins[@]}"; do rmdir -- "${bins[$parent]}" 2>/dev/null; done
        }
        # of_parent FOLDER [there]: the folders in it that are to be deleted.
        of_parent() {
            local name uid folder link
            while IFS=$'\t' read -r name uid folder link; do
                [ "${folder%/*}" = "$1" ] && [ -z "${left[$name]-}" ] || continue
                [ -z "${2-}" ] || [ -n "${type[$folder]-}" ] || continue
                printf '%s\n' "$folder"
            done <<<"$rows"
        }
        # root_folder FOLDER: says what speaks against deleting in it.
        root_folder() {
            if [ "$(realpath -e -- "$1" 2>/dev/null)" != "$1" ]; then
                printf '%s does not exist or is reached through a link' "$1"
            elif ! roots_own "$1"; then
                printf 'others than root can write to %s' "$1"
            fi
        }
        # see_paths: reads paths. Leaves in $type, $owner, $device and $target what lies there.
        see_paths() {
            local path kind who on where
            type=() owner=() device=() target=()
            while IFS=$'\t' read -r path kind who on where; do
                type[$path]=$kind owner[$path]=$who device[$path]=$on target[$path]=$where
            done < <(xargs -r -d '\n' sh -c 'find "$@" -maxdepth 0 \( -lname "*[![:print:]]*" -printf "%p\t%y\t%U\t%D\t?\n" \
                -o -printf "%p\t%y\t%U\t%D\t%l\n" \)' sh 2>/dev/null)
        }

        """#
}
