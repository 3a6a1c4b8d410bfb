# Mail that Gatepost's policy calls junk goes into the folder for it. Gatepost removes fields of this name that come from outside.
require ["fileinto", "mailbox"];

if header :is "X-Gatepost-Junk" "yes" {
  fileinto :create "Junk";
  stop;
}
