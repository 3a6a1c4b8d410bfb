//! Articles of `link.*`.

use super::{CheckDoc, doc};

pub(crate) const CHECKS: &[CheckDoc] = &[
    doc(
        "link.text-mismatch",
        ["A link shows one address and leads to another", "链接显示的地址与实际去向不同"],
        "The text of a link names one domain, and a click leads to another organisation’s. Phishing does this; newsletters that count clicks do so too, which is why it seldom decides alone. Go to the shown address by typing it.",
        "链接文字显示一个域名，点击后却去往另一家机构的域名。钓鱼邮件会这样做，统计点击的简报也会，因此很少单独起决定作用。请自行输入所显示的地址访问。",
    ),
    doc(
        "link.userinfo",
        ["A link hides its target behind “@”", "链接用“@”掩盖去向"],
        "What stands before “@” in a web address is ignored by browsers, so “https://bank.example@evil.example” leads to evil.example. Do not follow it.",
        "网址中“@”之前的部分会被浏览器忽略，因此“https://bank.example@evil.example”去往 evil.example。请勿点击。",
    ),
    doc(
        "link.data",
        ["A link holds a whole page", "链接自身包含整个网页"],
        "The link has no address: the page is in the link itself, where no list can block it. Do not follow it.",
        "该链接没有地址：网页内容就在链接里，任何列表都无法阻止。请勿点击。",
    ),
    doc(
        "link.script",
        ["A link runs script", "链接会运行脚本"],
        "The link would run script instead of opening a page. Mail programs refuse it; honest mail has none.",
        "该链接会运行脚本而不是打开网页。邮件程序会拒绝；正常邮件没有这样的链接。",
    ),
    doc(
        "link.raw-ip",
        ["A link leads to a number", "链接指向 IP 地址"],
        "The link names a computer by its number instead of a name, as servers do that were taken over or are gone tomorrow. Honest services have names.",
        "链接用数字而不是名称指明计算机，被入侵或用后即弃的服务器常是如此。正规服务都有名称。",
    ),
    doc(
        "link.mixed-script",
        ["A domain mixes alphabets", "域名混用多种文字"],
        "A name in the link has letters of several alphabets, such as a Cyrillic “а” in a Latin word, to look like another name. Do not follow it.",
        "链接中的名称混用了多种字母，例如在拉丁单词里夹入西里尔字母“а”，以冒充另一个名称。请勿点击。",
    ),
    doc(
        "link.shortener",
        ["A link hides where it leads", "链接隐藏了去向"],
        "A short link leads wherever its maker wants. It is named here so that you know. Many services show the target if you add “+”.",
        "短链接的去向由制作者决定。此处仅作提示。许多服务在链接末尾加“+”即可查看目标。",
    ),
    doc(
        "link.look-alike",
        ["A link to a domain that looks like yours", "链接域名酷似您的域名"],
        "A link leads to a name that is nearly one of your organisation’s own. It is made to be mistaken for it. Do not follow it; report it to your administrator.",
        "链接指向一个与贵组织域名几乎相同的名称，意在使人混淆。请勿点击，并报告管理员。",
    ),
    doc(
        "link.many-hosts",
        ["Links to very many sites", "链接指向过多网站"],
        "The mail links to more than two dozen sites. Digests do so. For information only.",
        "邮件链接到二十多个网站，摘要类邮件常是如此。仅供参考。",
    ),
    doc(
        "link.qr",
        ["A QR code with a link", "带链接的二维码"],
        "A picture in the mail or in a PDF has a QR code, and its link stands nowhere in the text. A code takes the reader to a telephone, where the address is hard to see. Codes of the sender’s own site are only named. Do not scan it; type the address you know.",
        "邮件或 PDF 中的图片含有二维码，其链接未出现在正文里。扫码会转到手机上打开，难以看清网址。若指向发件人自己的网站则仅作提示。请勿扫描，应输入您熟悉的网址。",
    ),
    doc(
        "link.redirect",
        ["A link borrows a known name and leads on", "链接借用知名网站跳转他处"],
        "The link begins with one site and carries the address of another, to which it leads. Open redirects of well-known sites are used so that the link looks safe. The address it leads on to is looked at like any other link.",
        "链接以某个网站开头，却携带另一网站的地址并跳转过去。利用知名网站的跳转功能可使链接看似安全。其最终地址会与其他链接同样受检查。",
    ),
    doc(
        "link.brand",
        ["A link uses a brand’s name", "链接冒用品牌名称"],
        "The host of a link has a well-known name in it, or letters that look like it, but does not belong to its owner. Go to the service by its own address.",
        "链接的主机名包含知名品牌或外形相近的字母，却不属于该品牌。请自行输入该服务的网址访问。",
    ),
    doc(
        "link.free-host",
        ["A link to a place where anybody puts pages", "链接指向任何人都可发布内容的平台"],
        "The page lies at a service that gives anybody room for a page, file or form, or in a network where nobody can remove it. Honest people use them too, so this weighs little alone. Ask why a firm would not use its own site.",
        "网页位于任何人都能发布页面、文件或表单的平台，或位于无人能删除内容的网络。正常用户也会使用，因此单独权重很小。请想一想企业为何不用自己的网站。",
    ),
    doc(
        "link.random-host",
        ["A domain that seems drawn by lot", "域名像是随机生成"],
        "The registered name in a link can hardly be spoken: digits among letters or no vowels. Throw-away domains look so; some honest short names do too.",
        "链接中的域名难以读出：字母夹杂数字或没有元音。一次性域名多是如此，少数正规的缩写也会这样。",
    ),
    doc(
        "link.lone",
        ["Every link leads to one place that is not the sender’s", "所有链接都指向发件人以外的同一处"],
        "All links of the mail lead to one place, and that is not the sender’s. Phishing has one way out for its reader; services that send for others look like this too, so it weighs little, and more where the place hides its owner.",
        "邮件中所有链接都指向同一处，且不属于发件人。钓鱼邮件只给读者一个去处；代发服务也会如此，因此权重较小；若该处隐藏其所有者则权重较大。",
    ),
    doc(
        "link.picture-host",
        ["Pictures lie where anybody puts one", "图片存放在公共图床上"],
        "What the mail shows is fetched from a place where anybody puts pictures without a name, or from a computer without one. Companies keep the pictures of their mail on machines of their own. People share pictures like this among themselves, so it is a hint only.",
        "邮件所显示的图片来自任何人都可匿名上传的图床，或没有域名的计算机。企业会把邮件图片放在自己的服务器上。个人之间也会这样分享图片，因此仅供判断时参考。",
    ),
    doc(
        "link.rented-host",
        ["A link leads to a rented computer", "链接指向租用的计算机"],
        "The link names a machine by what its renter calls it, mostly with the number in it, and not by a name of its own. Such machines are rented for a day, or were taken over. Honest services have names.",
        "链接使用主机商分配的机器名（其中多带有 IP 地址），而不是自有域名。这样的机器常被短期租用或遭人入侵。正规服务都有自己的域名。",
    ),
    doc(
        "link.mail-button",
        ["A button that writes a mail", "按钮实为发邮件"],
        "What looks like a link to a page writes a mail to an address at a free provider that is not the sender’s. Fraud does this because there is no page that could be blocked, and whoever answers is drawn into talk. Do not answer; sign in to the service by its own address.",
        "看似打开网页的链接，实际是给与发件人不同的免费邮箱写信。诈骗者这样做，是因为没有网页可供封禁，而回信者会被进一步套话。请勿回复；如需核实，请自行输入该服务的网址登录。",
    ),
    doc(
        "link.recipient",
        ["A link takes your address to a stranger", "链接把您的地址带给陌生网站"],
        "The link leads to somebody who is not the sender and carries your address along, mostly behind the “#” or in letters that hide it. The pages of phishing kits fill it in, so that only the password is left to type. Do not follow it; sign in to the service by its own address.",
        "该链接指向与发件人无关的网站，并把您的邮箱地址一并带去，多写在“#”之后或经过编码。钓鱼页面借此预先填好账号，只等您输入密码。请勿点击；如需登录，请自行输入该服务的网址。",
    ),
    doc(
        "link.spelled-out",
        ["A web address is taken apart", "网址被拆开书写"],
        "The text gives a web address with blanks or brackets around its dots and has no link. Filters see no address, and the reader is to put it together and type it. People who warn of an address write it like this as well. Do not open it.",
        "正文中的网址在点号两侧加了空格或括号，且没有任何链接。过滤器看不出网址，读者却被要求自行拼合并输入。提醒他人提防某网址的人也会这样写。请勿打开。",
    ),
];
