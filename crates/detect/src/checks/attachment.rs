//! Articles of `attachment.*`.

use super::{CheckDoc, doc};

pub(crate) const CHECKS: &[CheckDoc] = &[
    doc(
        "attachment.blocked-type",
        ["An attachment of a blocked type", "附件属于被阻止的类型"],
        "The content or the name of an attachment, or of a file inside an archive, is of a type the organisation blocks because it runs, mounts or installs something. Senders can share such files another way; administrators can change the list of types.",
        "某个附件（或压缩包内的文件）的内容或名称属于本组织阻止的类型，因为这类文件会运行、挂载或安装程序。发件人可改用其他方式共享；管理员可以修改类型列表。",
    ),
    doc(
        "attachment.disguised",
        ["An attachment is not what its name says", "附件与其名称不符"],
        "The name ends like a document or picture, but the content is something else, such as a program. This is done to make people open it. Do not open it; ask the sender by another way.",
        "名称看似文档或图片，内容却是别的东西，例如程序。这样做是为了诱使人打开。请勿打开，并通过其他途径向发件人核实。",
    ),
    doc(
        "attachment.double-extension",
        ["A file name with two endings", "文件名带有双重扩展名"],
        "A name such as “invoice.pdf.exe” shows as “invoice.pdf” where endings are hidden, and runs when opened. Honest senders do not do this. Do not open it.",
        "像“invoice.pdf.exe”这样的名称，在隐藏扩展名时显示为“invoice.pdf”，打开后却会运行。正常发件人不会这样做。请勿打开。",
    ),
    doc(
        "attachment.name.bidi",
        ["A file name that is shown backwards", "文件名被反向显示"],
        "The name has a character that turns the direction of writing, so that “cod.exe” is shown as “exe.doc”. It has no honest use in a file name. Do not open the file.",
        "名称中含有改变书写方向的字符，使“cod.exe”显示成“exe.doc”。文件名中这样做没有正当用途。请勿打开该文件。",
    ),
    doc(
        "attachment.name.ambiguous",
        ["A file name with several readings", "文件名有多种解读"],
        "The header gives an attachment two names, or a name with control characters, so programs disagree about what it is. Sloppy programs do this by mistake, attackers to get past filters. All readings were checked.",
        "邮件头为附件给出了两个名称，或名称中含有控制字符，不同程序会有不同理解。粗糙的程序可能无意如此，攻击者则借此绕过过滤。所有解读均已检查。",
    ),
    doc(
        "attachment.macro",
        ["A document with macros", "文档含有宏"],
        "A document carries macros, small programs that can run when it is opened. Firms use them; so does malware. Open it only if you expected it, and leave macros off.",
        "文档含有宏，即打开时可能运行的小程序。企业会使用宏，恶意软件也会。仅在确知来源时打开，并保持宏处于禁用状态。",
    ),
    doc(
        "attachment.disk-image",
        ["A disk image", "磁盘映像"],
        "A disk image opens as a drive, and what lies in it escapes the warning for files from the internet. It is rarely sent by mail for good reasons. Ask the sender for the files themselves.",
        "磁盘映像打开后会成为一个驱动器，其中的文件可避开“来自互联网”的警告。很少有正当理由用邮件发送。请发件人直接提供文件。",
    ),
    doc(
        "attachment.shortcut",
        ["A shortcut file", "快捷方式文件"],
        "A shortcut starts a program or opens an address, whatever its icon shows. Nobody needs to mail one. Do not open it.",
        "快捷方式会启动程序或打开某个地址，与图标显示无关。没有人需要用邮件发送它。请勿打开。",
    ),
    doc(
        "attachment.script",
        ["A script", "脚本文件"],
        "An attachment is a script or a help file that runs when opened, with all the rights of whoever opens it. Malware comes this way; people who mean well send scripts inside an archive or link to them. Do not open it unless you know what it does.",
        "附件是脚本或帮助文件，打开后即以打开者的全部权限运行。恶意软件常以此方式传播；善意的人会用压缩包或链接来共享脚本。除非清楚其作用，否则请勿打开。",
    ),
    doc(
        "attachment.embedded-program",
        ["A document with a program in it", "文档中嵌有程序"],
        "A document, note or PDF holds a program, script or shortcut that starts with a click inside the document. Reports and invoices need no program. Do not open it; ask the sender by another way.",
        "文档、笔记或 PDF 中嵌有程序、脚本或快捷方式，在文档内点击即会启动。报告和发票不需要程序。请勿打开，并通过其他途径向发件人核实。",
    ),
    doc(
        "attachment.embedded-file",
        ["A document with a file in it", "文档中嵌有文件"],
        "A document holds another file, such as a table or a text. That is usual and was looked at like any attachment; it is named here so that you know what lies inside.",
        "文档中嵌有另一个文件，例如表格或文本。这很常见，并已像其他附件一样检查；在此列出，以便您了解其中的内容。",
    ),
    doc(
        "attachment.unread",
        ["A file that could not be unpacked", "文件无法解包"],
        "A file is packed in a way that is not undone here, such as a compressed RAR, so its content was not looked at; its name was. The verdict is less certain. A clamd or ICAP scanner beside this service can look into such files.",
        "文件的打包方式在此无法解开（例如经压缩的 RAR），因此只检查了名称，未检查内容，判断的把握因而降低。在本服务旁配置 clamd 或 ICAP 扫描器即可检查此类文件。",
    ),
    doc(
        "attachment.executable",
        ["A program", "可执行程序"],
        "An attachment is a program. Malware came this way before filters blocked it. Take programs from their maker’s site instead.",
        "附件是一个程序。在被过滤之前，恶意软件曾常以此方式传播。请从制作者的网站获取程序。",
    ),
    doc(
        "attachment.html-password",
        ["An attached page asks for a password", "附带的网页要求输入密码"],
        "An attached web page has a field for a password. It opens on your own computer, past the link filters, and sends what you type to somebody else. Do not fill it in.",
        "附带的网页含有密码输入框。它在您的电脑上打开，绕过链接过滤，并把您输入的内容发送给他人。请勿填写。",
    ),
    doc(
        "attachment.html-script",
        ["An attached page has a script", "附带的网页含有脚本"],
        "An attached web page or drawing runs a script when opened. Saved pages and reports have scripts; so do pages that build a forged sign-in or a download. Open it only if you expected it.",
        "附带的网页或矢量图在打开时会运行脚本。保存的网页和报表可能含有脚本，伪造登录页或暗中下载的网页同样如此。仅在确知来源时打开。",
    ),
    doc(
        "attachment.encrypted",
        ["An attachment needs a password", "附件需要密码"],
        "The content could not be looked at, because it needs a password. Careful senders protect files this way; so do attackers. Make sure who sent it before opening.",
        "内容需要密码，因此无法检查。谨慎的发件人会这样保护文件，攻击者也会。打开前请确认发件人身份。",
    ),
    doc(
        "attachment.encrypted.password",
        ["A locked attachment with its password beside it", "加密附件与密码同在一封邮件中"],
        "An attachment needs a password and the same mail speaks of one. That protects from scanners and from nobody else. Ask the sender to share the file another way.",
        "附件需要密码，而同一封邮件中就提到了密码。这只能躲避检查，对别人毫无保护作用。请发件人改用其他方式共享文件。",
    ),
    doc(
        "attachment.smuggling",
        ["An attached page builds a file", "附件网页会生成文件"],
        "The attached page puts together a file or another page from text when it is opened, so that no filter sees it on the way. Reports with charts can save themselves, too; a page that carries an archive or program cannot be honest. Do not open it.",
        "附件网页在打开时用文本拼出文件或另一网页，使途中的过滤器无法看到。带图表的报表也能自行保存；携带压缩包或程序的网页则必非正当。请勿打开。",
    ),
    doc(
        "attachment.svg-active",
        ["A drawing that acts", "带脚本的图片"],
        "The attached drawing (SVG) has a script, a page or a link over all of it. It opens in the browser like a web page. Drawings need none of that. Do not open it.",
        "附件图片（SVG）含有脚本、网页或覆盖全图的链接，会像网页一样在浏览器中打开。图片不需要这些。请勿打开。",
    ),
    doc(
        "attachment.lone",
        ["One document and hardly a word", "只有一个文件，几乎没有文字"],
        "The mail says nearly nothing and carries one document or page. Junk does this so that filters have nothing to read; scanners and people in a hurry do it too. If you do not expect it from this sender, do not open it.",
        "邮件几乎没有文字，只带一个文件或网页。垃圾邮件借此让过滤器无字可读；扫描仪和匆忙的人也会如此。若您并未期待此发件人的文件，请勿打开。",
    ),
    doc(
        "attachment.declared",
        ["A document is called a picture, sound or film", "文档被声明为图片、音频或视频"],
        "The header says that an attachment is a picture, sound or film, and it is a document, page or archive. Programs that do not know a type say so; a wrong one is given so that filters for documents let it by. If you do not expect it from this sender, do not open it.",
        "邮件头声明附件是图片、音频或视频，实际却是文档、网页或压缩包。不认识类型的程序会照实标注；故意写错是为了避开针对文档的检查。若您并未期待此发件人的文件，请勿打开。",
    ),
];
