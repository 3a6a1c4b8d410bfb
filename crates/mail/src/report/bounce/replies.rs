//! What well-known servers and services say, one reply a line, and what it means.

use super::Reason::*;
use super::{Phase, Reason, explain, read};

fn check(server: &str, replies: &[(&str, Reason)]) {
    let read = replies.iter().map(|(reply, wanted)| (reply, wanted, explain(reply).reason));
    let wrong: Vec<String> = read.filter(|(_, wanted, found)| *wanted != found).map(|one| format!("{one:?}")).collect();
    assert!(wrong.is_empty(), "{server}:\n{}", wrong.join("\n"));
}

#[test]
fn exchange_and_exchange_online() {
    check(
        "Exchange",
        &[
            ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient x@y.example not found by SMTP address lookup", NoSuchUser),
            ("#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##", NoSuchUser),
            ("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", NoSuchUser),
            ("550 5.2.2 STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded", MailboxFull),
            ("550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient", TooBig),
            ("550 5.7.1 RESOLVER.RST.AuthRequired; authentication required", NotPermitted),
            ("550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required", NotPermitted),
            ("554 5.7.0 Reject, id=20-04 - BANNED: application/x-msdownload,.exe,setup.exe", Policy),
            ("421-4.7.26 This mail has been rate limited because it is unauthenticated.", NotAuthenticated),
            ("550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy", Policy),
            ("550 5.4.310 DNS domain partner.example does not exist", NoSuchHost),
            ("554 5.4.14 Hop count exceeded - possible mail loop ATTR34", Network),
            ("550 5.4.300 Message expired -> 421 4.4.1 Connection timed out", Expired),
            ("550 5.7.509 Access denied, sending domain a.example does not pass DMARC verification", NotAuthenticated),
            ("550 5.7.606 Access denied, banned sending IP [192.0.2.1]", Blocked),
            ("550 5.7.511 Access denied, banned sender[192.0.2.1]", SenderRefused),
            ("550 5.7.513 Service unavailable, Client host [192.0.2.1] blocked by recipient using Customer Block list", Filtered),
            ("550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP", Blocked),
            ("550 5.7.705 Access denied, tenant has exceeded threshold", TooFast),
            ("550 5.1.8 Access denied, bad outbound sender", SenderRefused),
            ("530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM", NotPermitted),
            ("550 5.7.321 starttls-not-supported: the destination server must support TLS", NotPermitted),
            ("452 4.3.1 Insufficient system resources", DiskFull),
        ],
    );
}

#[test]
fn gmail_and_workspace() {
    check(
        "Gmail",
        &[
            ("550-5.1.1 The email account that you tried to reach does not exist. Please try double-checking", NoSuchUser),
            ("552 5.2.2 The recipient's inbox is out of storage space and inactive", MailboxFull),
            ("550 5.2.1 The email account that you tried to reach is disabled.", Suspended),
            ("550-5.2.1 The email account that you tried to reach is inactive.", Suspended),
            ("450 4.2.1 The user you are trying to contact is receiving mail too quickly.", TooFast),
            ("550-5.7.26 This mail has been blocked because the sender is unauthenticated. SPF did not pass", NotAuthenticated),
            ("550 5.7.1 Unauthenticated email from a.example is not accepted due to domain's DMARC policy.", NotAuthenticated),
            ("550-5.7.25 The IP address sending this message does not have a PTR record setup", NoReverseName),
            ("550-5.7.1 Our system has detected that this message is likely unsolicited mail.", Spam),
            ("550-5.7.1 The IP you're using to send mail is not authorized to send email directly to our servers.", Blocked),
            ("421-4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP", TooFast),
            ("550 5.4.5 Daily user sending limit exceeded.", TooFast),
            ("552-5.7.0 This message was blocked because its content presents a potential security issue.", Policy),
            ("554 5.6.0 Mail message is malformed. Not accepted.", BadContent),
            ("552 5.3.4 Your message exceeded Google's message size limits.", TooBig),
            ("550 5.7.1 Messages missing a valid Message-ID header are not accepted. RFC 5322", NotCompliant),
        ],
    );
}

#[test]
fn yahoo_outlook_com_and_apple() {
    check(
        "mailbox providers",
        &[
            ("421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints", BadReputation),
            ("421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred", BadReputation),
            ("553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list", Blocked),
            ("554 30 Sorry, your message to a@y.example cannot be delivered. This mailbox is disabled (554.30)", Suspended),
            ("554 delivery error: dd This user doesn't have a y.example account (a@y.example)", NoSuchUser),
            ("554 5.7.9 Message not accepted for policy reasons.", Policy),
            (
                "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. part of their network is on our block list (S3140).",
                Blocked,
            ),
            ("421 RP-001 The mail server IP connecting has exceeded the rate limit allowed", TooFast),
            ("550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)", NoSuchUser),
            ("554 5.7.1 [CS01] Message rejected due to local policy.", Policy),
            ("552 5.2.2 <a@i.example>: user is over quota", MailboxFull),
            ("550 5.7.1 Blocked - see https://support.proofpoint.example/dnsbl-lookup.cgi?ip=192.0.2.1", Blocked),
        ],
    );
}

#[test]
fn providers_in_china() {
    check(
        "China",
        &[
            ("550 Mail content denied. http://service.mail.qq.example/help/1001508", Spam),
            ("550 Mailbox not found. http://service.mail.qq.example", NoSuchUser),
            ("550 Ip frequency limited. [abc IP: 192.0.2.1]", TooManyConnections),
            ("550 Suspected spam ip", Blocked),
            ("550 Connection denied", Blocked),
            ("550 Mail is rejected by recipients", Filtered),
            ("550 mailbox space not enough", MailboxFull),
            ("550 User not found: a@163.example", NoSuchUser),
            ("550 User suspended", Suspended),
            ("550 MI:SPF mx14,QMCowECpA0qTiftVaeB3Cg--.872S2 1442548128", NotAuthenticated),
            ("550 MI:DMA mx1,abc 1442548128", NotAuthenticated),
            ("554 DT:SPM mx8,OMCowAA 1442548128", Spam),
            ("554 HL:IPB mx1,abc", Blocked),
            ("421 HL:REP mx1,abc", BadReputation),
            ("421 HL:ICC mx1,abc", TooManyConnections),
            ("451 MI:SFQ mx1,abc", TooFast),
            ("554 DT:SUM mx1,abc", SenderRefused),
            ("554 Reject by behaviour spam at Rcpt State(Connection IP address:192.0.2.1)", Spam),
            ("554 Reject by content spam at DATA State", Spam),
            ("559 Invalid rcptto", NoSuchUser),
            ("552 收件人邮箱空间不足", MailboxFull),
            ("550 收件人不存在", NoSuchUser),
            ("550 您的IP被列入黑名单", Blocked),
            ("550 该用户已被禁用", Suspended),
            ("552 邮件过大", TooBig),
        ],
    );
}

#[test]
fn filters_and_gateways() {
    check(
        "filters",
        &[
            ("554 Your access to this mail system has been rejected due to the sending MTA's poor reputation.", BadReputation),
            ("550 #5.7.1 Your access to submit messages to this e-mail system has been rejected.", Blocked),
            ("452 Too many recipients received this hour", TooFast),
            ("554 Service unavailable; Client host [192.0.2.1] blocked using Barracuda Reputation", Blocked),
            ("421 4.7.1 Intrusion prevention active for [192.0.2.1][S]", Blocked),
            ("550 Rejected by header based manually blocked senders - block for manual block", SenderRefused),
            ("550 SPF Sender Invalid - envelope rejected", NotAuthenticated),
            ("554 Email rejected due to security policies", Policy),
            ("550 Invalid Recipient", NoSuchUser),
            ("554 imta03 bizsmtp IB103. Connection refused. 192.0.2.1 has a poor reputation", BadReputation),
            ("554 cxbl IP blocked. AUP#CXBL", Blocked),
            ("550 5.1.0 <a@b.example> sender rejected. AUP#In-1310", TooManyConnections),
            ("550 5.4.6 Unusual sending activity detected. Please try after sometime", TooFast),
            ("421 Service refused, please try later. OFR_999 [999]", Blocked),
        ],
    );
}

#[test]
fn programs() {
    check(
        "programs",
        &[
            // Postfix
            ("450 4.2.0 <a@b.example>: Recipient address rejected: Greylisted, see http://postgrey.example", OnHold),
            ("450 4.1.2 <a@b.example>: Recipient address rejected: Domain not found", NoSuchHost),
            ("554 5.7.1 <a@b.example>: Relay access denied", NoRelay),
            ("450 4.7.1 <mx>: Helo command rejected: Host not found", Blocked),
            ("mail for b.example loops back to myself", Network),
            ("Host or domain name not found. Name service error for name=b.example type=A: Host not found, try again", Network),
            ("552 5.3.4 message size 30000000 exceeds size limit 10240000 of server mx.b.example", TooBig),
            ("delivery temporarily suspended: lost connection with mx.b.example while receiving the initial server greeting", Network),
            ("5.3.0 Command died with status 1: \"/usr/bin/vacation\"", MailerTrouble),
            // Exim
            ("550-Verification failed for <a@b.example>\n550 Sender verify failed", SenderRefused),
            ("all relevant MX records point to non-existent hosts", NoSuchHost),
            ("lowest numbered MX record points to local host", ServerTrouble),
            ("retry timeout exceeded", Expired),
            ("Too many \"Received\" headers - suspected mail loop", Network),
            // qmail
            ("Sorry, I couldn't find any host by that name. (#4.1.2)", NoSuchHost),
            ("CNAME_lookup_failed_temporarily._(#4.4.3)", Network),
            ("Sorry, no mailbox here by that name. (#5.1.1)", NoSuchUser),
            ("sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", NoRelay),
            ("Recipient's mailbox is full, message returned to sender. (#5.2.2)", MailboxFull),
            // sendmail, Courier, Dovecot, Domino, MailEnable, OpenSMTPD
            ("553 5.1.8 <a@b.example>... Domain of sender address a@b.example does not exist", SenderRefused),
            ("550 5.2.1 <a@b.example> User doesn't exist: a@b.example", NoSuchUser),
            ("452 4.2.2 <a@b.example> Quota exceeded (mailbox for user is full)", MailboxFull),
            ("451 4.2.0 Internal error occurred. Refer to server log for more information.", ServerTrouble),
            ("User Ann Example (ann@b.example) not listed in Domino Directory", NoSuchUser),
            ("503 This mail server requires authentication when attempting to send to a non-local e-mail address", NotPermitted),
            ("Network error on destination MXs", Network),
            ("Envelope expired", Expired),
            ("No MX found for domain", NoSuchHost),
        ],
    );
}

/// Notices without fields, as different programs lay them out.
#[test]
fn layouts_of_notices_are_read() {
    for (program, body, recipient, reason, phase) in [
        (
            "InterScan",
            "Sent <<< RCPT TO:<kim@b.example>\nReceived >>> 550 5.1.1 <kim@b.example>... User Unknown\nUnable to deliver message to <kim@b.example>\n",
            "kim@b.example",
            NoSuchUser,
            Some(Phase::Rcpt),
        ),
        (
            "a portal",
            "Sorry, we were unable to deliver your message to the following address.\n\n<kim@b.example>:\nRemote host said: 552 5.2.2 Mailbox full [RCPT_TO]\n\n--- Below this line is a copy of the message.\n\nReceived: from x\n",
            "kim@b.example",
            MailboxFull,
            Some(Phase::Rcpt),
        ),
        (
            "OpenSMTPD",
            "An error has occurred while attempting to deliver a message for\nthe following list of recipients:\n\nkim@b.example: 550 5.7.1 Message rejected as spam\n\nBelow is a copy of the original message:\n\n550 is not the answer\n",
            "kim@b.example",
            Spam,
            None,
        ),
        (
            "a gateway",
            "Unable to deliver message to: <kim@b.example>\nDelivery failed for the following reason:\nServer mx22.b.example[192.0.2.222] failed with: 452 4.3.1 Insufficient system storage\n",
            "kim@b.example",
            DiskFull,
            None,
        ),
        (
            "an old server",
            "The original message was received at noon\nfrom x@y.example\n\nkim@b.example [User unknown]\n",
            "kim@b.example",
            NoSuchUser,
            None,
        ),
    ] {
        let raw = format!("From: <mailer-daemon@a.example>\r\nSubject: Undelivered mail\r\n\r\n{body}");
        let bounce = read(raw.as_bytes()).unwrap_or_else(|| panic!("{program}: nothing was read"));
        let failure = &bounce.failures[0];
        assert_eq!((failure.recipient.as_str(), failure.reason, failure.phase), (recipient, reason, phase), "{program}: {failure:?}");
    }
}
