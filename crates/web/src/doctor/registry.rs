//! What each look of the recovery assistant is about: one list, from which its articles are made.

/// One look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// As findings have it.
    pub id: &'static str,
    pub title_en: &'static str,
    pub title_zh: &'static str,
    /// Why it matters, and what usually mends it.
    pub text_en: &'static str,
    pub text_zh: &'static str,
}

const fn look(id: &'static str, titles: (&'static str, &'static str), texts: (&'static str, &'static str)) -> Look {
    Look { id, title_en: titles.0, title_zh: titles.1, text_en: texts.0, text_zh: texts.1 }
}

pub fn find(id: &str) -> Option<&'static Look> {
    LOOKS.iter().find(|look| look.id == id)
}

/// Every look there is; a test of the program holds this against its findings.
#[rustfmt::skip]
pub const LOOKS: &[Look] = &[
    look("settings.file", ("The settings file", "设置文件"), (
        "The file is read as a start would read it. An unknown key or a wrong value stops the start; the finding names file, line, key and what would be right. gatepost config reference prints every setting.",
        "按启动时的方式读取设置文件。未知的键或错误的取值会使服务无法启动；结果中写明文件、行号、键名和正确写法。gatepost config reference 会列出所有设置。")),
    look("settings.mode", ("Who can read the settings file", "谁能读取设置文件"), (
        "Passwords stand in it, and others on this machine can read it. Only the account of the service needs to.",
        "文件中含有密码，而本机的其他用户能够读取。只有运行服务的账户需要读取权限。")),
    look("settings.fit", ("Whether the settings fit together", "设置是否相互一致"), (
        "Organisations, domains, connectors and entries of the file are applied on trial and rolled back. What does not fit, such as a domain of an organisation that is not there, stops the start.",
        "试着应用文件中的组织、域、连接器和条目，然后回滚。不一致之处（例如域属于不存在的组织）会使服务无法启动。")),
    look("settings.twice", ("Names that stand twice", "重复的名称"), (
        "A domain, a connector or an organisation is named twice in the settings file. The last one counts, and what the first one says is lost without a word.",
        "设置文件中同一个域、连接器或组织出现了两次。只有最后一处生效，前一处的内容会被悄悄忽略。")),
    look("data.folder", ("The data folder", "数据文件夹"), (
        "Everything that must last lies there. It has to exist, be a folder, and be closed to other users of the machine.",
        "需要长期保存的内容都在其中。它必须存在、必须是文件夹，并且不能让本机其他用户写入。")),
    look("data.writable", ("Writing into the data folder", "写入数据文件夹"), (
        "A file is made and removed again. When this fails, the disk may be mounted read-only, full, or owned by somebody else.",
        "试着新建一个文件再删除。失败通常是因为磁盘只读、已满，或属于其他账户。")),
    look("data.owner", ("Owners of files in the data folder", "数据文件夹中文件的所有者"), (
        "Files of another owner cannot be changed by the service. They come from commands that were run as root.",
        "服务无法修改其他账户的文件。这类文件多由 root 执行命令时产生。")),
    look("seal.file", ("The key file", "密钥文件"), (
        "It seals the private keys in the database. Without it DKIM keys and secrets of connectors cannot be read: restore it from the backup, never make a new one over the old.",
        "它用于密封数据库中的私钥。没有它就无法读取 DKIM 密钥和连接器的机密：请从备份恢复，不要用新文件覆盖。")),
    look("seal.mode", ("Who can read the key file", "谁能读取密钥文件"), (
        "Only the account of the service may read it.",
        "只有运行服务的账户可以读取。")),
    look("seal.fits", ("Whether the key file fits the database", "密钥文件与数据库是否匹配"), (
        "What the database holds was sealed with another key: database and key file come from different backups. Put the key file of the same time beside the database.",
        "数据库中的内容由另一把密钥密封：数据库与密钥文件来自不同的备份。请换回同一时间的密钥文件。")),
    look("disk.space", ("Free disk space", "磁盘空间"), (
        "Mail is only accepted when it can be written down. Below a reserve the service answers 452, and senders try again later. Make room, or move the data to a larger disk.",
        "只有能够写入磁盘的邮件才会被接收。空间低于保留量时服务应答 452，发件方稍后重试。请清理空间，或把数据迁移到更大的磁盘。")),
    look("disk.inodes", ("Free inodes", "可用 inode"), (
        "A disk can be full of small files while there is space left. Remove many small files, or use a file system with more inodes.",
        "即使还有空间，过多的小文件也会耗尽 inode。请删除大量小文件，或换用 inode 更多的文件系统。")),
    look("limit.descriptors", ("Open files", "可打开的文件数"), (
        "Each connection takes one. The limit of the account is lower than the connections that the settings allow: raise LimitNOFILE in the unit.",
        "每个连接占用一个描述符。账户的上限低于设置允许的连接数：请在服务单元中提高 LimitNOFILE。")),
    look("listen.port", ("Ports to listen on", "监听端口"), (
        "Another program holds a port, and the finding names it. Stop it, or give one of the two another port.",
        "端口被其他程序占用，结果中写明了是哪个程序。请停止它，或更换其中一方的端口。")),
    look("listen.address", ("Addresses to listen on", "监听地址"), (
        "The settings name an address that this machine does not have.",
        "设置中的地址不属于这台机器。")),
    look("listen.permission", ("The right to listen on low ports", "监听低位端口的权限"), (
        "Ports below 1024 need a capability: AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit.",
        "监听 1024 以下端口需要权限：请在服务单元中设置 AmbientCapabilities=CAP_NET_BIND_SERVICE。")),
    look("listen.twice", ("One address for two", "两处使用同一地址"), (
        "Two settings name the same address and port; only one can have it.",
        "两项设置使用了同一个地址和端口，只能保留一个。")),
    look("dns.server", ("DNS servers", "DNS 服务器"), (
        "Each resolver is asked. Without an answer senders cannot be authenticated and next hops cannot be found; mail flows on with wider uncertainty.",
        "逐一询问各 DNS 服务器。没有应答就无法验证发件人、也找不到下一跳；邮件仍会流转，但判断更不确定。")),
    look("tls.certificate", ("The certificate", "证书"), (
        "The files named under [tls] are read. Without them STARTTLS is not offered.",
        "读取 [tls] 中指定的文件。没有证书就无法提供 STARTTLS。")),
    look("tls.expiry", ("The end of the certificate", "证书有效期"), (
        "An expired certificate makes senders that check it turn away. Renew it; the service takes the new file by itself.",
        "证书过期后，严格检查的发件方会拒绝连接。请续期；服务会自动加载新文件。")),
    look("tls.start", ("The beginning of the certificate", "证书生效时间"), (
        "The certificate begins later than our clock says it is now, so senders that check it turn away. Either the clock is behind, or the certificate was made for a later day.",
        "证书的生效时间晚于本机时钟，严格检查的发件方会拒绝连接。要么时钟偏慢，要么证书本来就从以后的日期起生效。")),
    look("tls.name", ("The name in the certificate", "证书中的名称"), (
        "The certificate has to be for the name that the MX records give.",
        "证书必须包含 MX 记录指向的名称。")),
    look("tls.pair", ("Certificate and key", "证书与私钥"), (
        "The private key belongs to another certificate. Put both files of the same request in place.",
        "私钥属于另一张证书。请放置同一次申请得到的两个文件。")),
    look("tls.key-mode", ("Who can read the private key", "谁能读取私钥"), (
        "Others on this machine can read the private key.",
        "本机的其他用户能够读取私钥。")),
    look("tls.acme", ("Certificates from an authority", "由证书颁发机构签发的证书"), (
        "With [tls.acme] Gatepost gets and renews its certificate itself. The authority asks on port 80 of each name; what it said last is in the finding.",
        "启用 [tls.acme] 后，Gatepost 会自动获取并续期证书。颁发机构会访问每个名称的 80 端口；结果中写明了它最近一次的答复。")),
    look("engine.signatures", ("Signature rules", "特征规则"), (
        "The YARA rules are compiled. The service does not start with a broken file; the finding names it.",
        "编译 YARA 规则。有错误的文件会使服务无法启动，结果中写明了文件名。")),
    look("engine.hashes", ("Lists of hashes", "哈希列表"), (
        "The lists named in [detect.hashes] are read.",
        "读取 [detect.hashes] 中指定的列表。")),
    look("engine.checks", ("Checks that are switched off", "已关闭的检查"), (
        "[detect] checks_off names a check that does not exist.",
        "[detect] checks_off 中写了不存在的检查。")),
    look("engine.clamd", ("clamd", "clamd"), (
        "The virus scanner is asked whether it lives. While it does not answer, mail goes on with the other engines, and health says so.",
        "询问病毒扫描程序是否运行。它没有应答时，邮件由其他引擎检查，运行状况中会有提示。")),
    look("engine.icap", ("ICAP", "ICAP"), (
        "The scanner beside us is asked what it can do. While it does not answer, mail goes on with the other engines.",
        "询问 ICAP 扫描服务的能力。它没有应答时，邮件由其他引擎检查。")),
    look("status.bucket", ("The bucket of the status pages", "状态页的存储桶"), (
        "Status pages are copied there, so that they can be read when everything here is gone. The bucket has to answer, and the key of [health.bucket] has to be allowed to put objects below the folder; it needs no other right.",
        "状态页会复制到该存储桶，以便本机完全不可用时仍能查看。存储桶必须有应答，[health.bucket] 中的密钥须有权在该文件夹下写入对象，不需要其他权限。")),
    look("clock.files", ("The clock against files", "时钟与文件时间"), (
        "A clock that stands before the time of our own files was or is wrong. Signatures, certificates and links go wrong with it.",
        "时钟早于服务文件的时间，说明时钟曾经或现在不准，会影响签名、证书和链接的有效期。")),
    look("clock.server", ("The clock against a server", "时钟与服务器比对"), (
        "With --ask-time HOST the clock is compared with a web server.",
        "使用 --ask-time HOST 可与一台网站服务器比对时钟。")),
    look("database.opens", ("Opening the database", "打开数据库"), (
        "Without the database nothing is accepted, so that nothing is lost. See that it runs, that the address in [store] url is right, and that its disk is mounted.",
        "没有数据库就不会接收邮件，以免丢失。请确认数据库正在运行、[store] url 正确、磁盘已挂载。")),
    look("database.mode", ("Who can read the database", "谁能读取数据库"), (
        "The file must be readable and writable for the account of the service, and for nobody else.",
        "数据库文件必须只允许运行服务的账户读写。")),
    look("database.sign-in", ("Signing in to the database", "登录数据库"), (
        "PostgreSQL refuses name or password of [store] url.",
        "PostgreSQL 拒绝 [store] url 中的用户名或密码。")),
    look("queue.rows", ("Whether the queue can be read", "队列能否读取"), (
        "Every mail that waits is read as delivery reads it. A row that cannot be read, written by a newer version or damaged by hand, is never delivered.",
        "按投递时的方式读取每封等待的邮件。无法读取的行（由更新的版本写入，或被人为损坏）永远不会被投递。")),
    look("clock.rows", ("The clock against mail on record", "时钟与邮件记录"), (
        "Each mail carries the time at which it was taken. Mail of the future shows that the clock is behind now, or was ahead then.",
        "每封邮件都记有接收时间。如果出现来自“未来”的邮件，说明时钟现在偏慢，或当时偏快。")),
    look("database.lock", ("A locked database", "数据库被锁定"), (
        "Another program holds the database. It may be a backup that never ended.",
        "另一个程序占用了数据库，可能是没有结束的备份。")),
    look("database.whole", ("Whether the database is whole", "数据库是否完整"), (
        "SQLite looks through its file. A damaged one is restored from the backup; keep the damaged file, much of it can often be read.",
        "SQLite 检查其文件。如有损坏请从备份恢复，并保留损坏的文件，其中大部分内容往往还能读出。")),
    look("database.steps", ("The version of the database", "数据库版本"), (
        "Steps of the schema are missing, or a newer program made some. The first is done by the next start, or by gatepost doctor --fix; the second wants the newer program.",
        "数据库结构缺少步骤，或由更新版本的程序建立。前者会在下次启动或执行 gatepost doctor --fix 时补上；后者需要使用更新的程序。")),
    look("database.disk", ("The disk of the database", "数据库所在磁盘"), (
        "The database reports that it cannot read or write its files: look at the disk.",
        "数据库报告无法读写文件，请检查磁盘。")),
    look("connector.folder", ("The folder of a connector", "连接器的文件夹"), (
        "A connector that delivers into a folder needs it to exist and to be writable for the service.",
        "投递到文件夹的连接器要求该文件夹存在，并且服务能够写入。")),
    look("bodies.folder", ("The folder of messages", "邮件正文文件夹"), (
        "Larger messages lie in files. Without the folder they can be neither delivered nor released.",
        "较大的邮件保存在文件中。没有该文件夹，这些邮件既无法投递也无法放行。")),
    look("bodies.bucket", ("The bucket of messages", "邮件正文存储桶"), (
        "Larger messages lie in a bucket that all servers share. A small object is put, read, listed and removed there; the finding names the right that the key lacks. Without the bucket larger mail is put off, and nothing is lost.",
        "较大的邮件保存在各服务器共用的存储桶中。检查时会写入、读取、列出并删除一个小对象；结果中写明密钥缺少哪项权限。存储桶不可用时，较大的邮件会被推迟接收，不会丢失。")),
    look("bodies.owner", ("Whose the bucket is", "存储桶的归属"), (
        "The first start takes the folder in the bucket for its database, by the object gatepost-owner. Another installation does not start there and removes nothing, as it would take our messages for what nobody needs. Each installation, also a trial restore, wants a folder of its own.",
        "首次启动时会用对象 gatepost-owner 把存储桶中的文件夹归到自己的数据库名下。其他安装不能在其中启动，也不会删除任何内容，否则会把这里的邮件当作无用数据。每套安装（包括演练恢复）都要使用单独的文件夹。")),
    look("bodies.files", ("Messages that rows name", "数据库记录的正文"), (
        "Larger messages that the database names are missing from their folder or bucket: they were removed by somebody, or the backup of the folder is older than that of the database.",
        "数据库记录的部分正文在文件夹或存储桶中不存在：可能被人删除，或文件夹的备份早于数据库的备份。")),
    look("backup.age", ("The age of backups", "备份时间"), (
        "The newest backup that can be seen is old, or there is none. Back up database, messages and key file together.",
        "能看到的最新备份已经过旧，或根本没有备份。请同时备份数据库、邮件文件和密钥文件。")),
    look("balance", ("The balance of mail", "邮件收支平衡"), (
        "Every accepted mail is delivered, bounced, held, queued, deleted or expired. When the sum does not add up, gatepost trace balance names the mails.",
        "每一封接收的邮件都应处于已投递、已退信、已隔离、排队中、已删除或已过期之一。若合计不符，gatepost trace balance 会列出相关邮件。")),
    look("client.dns", ("Finding the server", "查找服务器"), (
        "The name of the server is looked up as programs on this machine do. Without an answer check how it is written, and whether this machine has a network.",
        "按本机程序的方式解析服务器名称。没有结果时，请检查名称是否写对、本机是否联网。")),
    look("client.submission", ("Sending from a mail program", "邮件程序发信"), (
        "Mail programs hand mail in at port 587 with STARTTLS, or at 465 with TLS from the start. Networks of hotels and providers often block port 25, rarely these two.",
        "邮件程序通过 587 端口（STARTTLS）或 465 端口（直接 TLS）发信。酒店和运营商的网络常封锁 25 端口，很少封锁这两个端口。")),
    look("client.imap", ("Reading with a mail program", "邮件程序收信"), (
        "Mail programs read mail by IMAP at port 993.",
        "邮件程序通过 993 端口的 IMAP 收信。")),
    look("client.web", ("The sign-in page", "登录页面"), (
        "The page is asked for over HTTPS.",
        "通过 HTTPS 访问登录页面。")),
    look("client.clock", ("The clock of this machine", "本机时钟"), (
        "The clock is compared with what the sign-in page says. A clock that is wrong makes certificates invalid and codes of authenticator apps fail.",
        "将本机时钟与登录页面给出的时间比对。时钟不准会使证书无效，也会让身份验证器的验证码失效。")),
    look("client.tls", ("Who stands between", "加密是否被中途截断"), (
        "The certificate of each server is looked at. One that no public authority signed comes from a server with a root of its own, or from a program or network that opens the encryption on the way, such as a virus scanner, a company proxy or an attacker. Compare the fingerprint with your administrator.",
        "检查每台服务器的证书。如果不是公共机构签发，可能是服务器使用了自己的根证书，也可能有程序或网络在中途解开了加密，例如杀毒软件、公司代理或攻击者。请与管理员核对指纹。")),
];

#[cfg(test)]
mod tests {
    use super::LOOKS;

    #[test]
    fn each_is_written_once_in_both_languages() {
        let mut ids: Vec<&str> = LOOKS.iter().map(|look| look.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), LOOKS.len());
        for look in LOOKS {
            assert!(look.text_zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{}", look.id);
            assert!(look.text_en.len() > 20, "{}", look.id);
        }
    }
}
