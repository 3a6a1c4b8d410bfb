draft-policy = 策略 { $what }：会有什么影响
draft-entry = { $what }：会有什么影响
draft-too-many = 您还有几个推演正在进行，请等其中一个完成。
draft-outcome = 在最近 { $count } 天会有什么影响
draft-cannot = 历史邮件的凭据中不保留链接和文件，因此无法推演此条目的影响。
draft-failed = 推演未能完成。请修改草稿后重试，或不查看直接保存。
draft-running = 已读取 { $count } 份凭据。
draft-progress = 推演进度
draft-look-again = 刷新
draft-changed = { $count ->
    [0] 不会有任何变化
   *[other] { $count } 位收件人的邮件会有变化
}
draft-read = 已重新判定 { $count } 封邮件。
draft-complete = 已包括全部邮件。
draft-incomplete = 还有更多邮件：已回看到 { $what }。
draft-unreadable = 有 { $count } 份凭据此版本无法读取。
draft-counts = 会有变化的邮件
draft-col-was = 当时的处理
draft-col-would = 将会的处理
draft-col-count = 数量
draft-col-time = 接收时间
draft-col-sender = 发件人
draft-col-subject = 主题
draft-col-recipient = 收件人
draft-no-subject = （无主题）
draft-list = 最近 { $count } 封
draft-save-policy = 保存此策略
draft-save-entry = 保存此条目
draft-change = 修改草稿
draft-drop = 不保存
draft-saved-already = 此草稿已保存。
