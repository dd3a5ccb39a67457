## 运行时状态，由守卫返回。

runtime-loading = 运行时仍在启动，请稍后再试。
runtime-failed = 运行时启动失败。请查看日志，修复原因后重试。
runtime-stopped = 运行时已停止。可在控制台启动，或调用 POST /api/runtime/start。
runtime-stopping = 运行时正在停止，请稍后再试。
runtime-gone = 连接期间运行时已离线，请稍后重新连接。
process-ending = 网关正在关闭。

## 首次启动。

setup-needed = 尚未设置密码。请打开网关启动时打印的设置链接。
setup-link-used = 此设置链接已使用或已失效。请重启网关以获取新的链接。
setup-done = 账户已创建。
password-too-short = 密码至少需要 { $minimum } 个字符。
password-too-long = 密码最多 { $maximum } 个字符。
username-invalid = 用户名须为 1 到 64 个字符，且不能包含控制字符、“!”或“:”。

## 登录。

login-wrong = 用户名或密码错误。
login-throttled = 尝试次数过多，请在 { $seconds } 秒后再试。
login-required = 请先登录。
session-expired = 登录已过期，请重新登录。
key-invalid = API 密钥无效。
key-expired = API 密钥已过期。
key-revoked = API 密钥已被吊销。
scope-missing = API 密钥缺少权限“{ $scope }”。
origin-refused = 不允许来自该站点的请求。

## 请求。

not-found = 此地址不存在。
method-not-allowed = 此地址不支持 { $method }。
body-invalid = 无法读取请求内容：{ $reason }
body-too-large = 请求内容超过 { $limit } 字节。
field-missing = 缺少“{ $field }”。
field-invalid = “{ $field }”无效：{ $reason }
rate-limited = 请求过于频繁，请在 { $seconds } 秒后再试。
timed-out = 请求处理超时。
internal-error = 发生内部错误。可凭请求编号 { $request } 在日志中查看详情。

## 配置。

config-conflict = 其他人已先行保存（当前修订 { $found }，您的修改基于 { $expected }）。请重新读取后再修改。
config-invalid = 配置无效：{ $problems }
config-missing = 不存在配置“{ $name }”。
config-built-in = 不能删除“{ $name }”。

## 会话、人格、会话规则与死信。

change-saved = 已保存。
entry-deleted = 已删除。
conversation-missing = 不存在该对话。
history-too-large = 该对话过长，无法完整显示，请改用导出。
persona-missing = 不存在该人格。
persona-taken = 已存在使用此 ID 的人格。
persona-folder-missing = 不存在该人格文件夹。
persona-folder-loop = 文件夹不能移动到自身或其子文件夹中。
session-group-missing = 不存在该会话分组。
letter-missing = 被搁置的消息中没有该消息。
letter-moved = 该消息的状态已变化，无法执行此操作，请重新读取。
letter-replayed = 该消息已重新进入处理。

## 聊天。

chat-empty = 消息为空。
chat-session-missing = 不存在该会话。
chat-session-foreign = 该会话属于其他用户。
attachment-missing = 不存在该上传文件。
provider-none = 没有可用的模型。请添加或启用一个提供商。
provider-failed = 模型未能回答：{ $reason }
answer-cut = 网关已结束，此回答被中断。
answer-stopped = 此回答已停止。
turn-failed = 无法回复此消息，运营者可在日志中查看原因。
message-stale = 此消息等待过久，未予回复。请重新发送。
content-refused = 消息中含有此处不接受的内容。
answer-withheld = 回复中含有此处不接受的内容，已不予发送。
bot-busy = 等待处理的消息过多，请稍后再试。

## 聊天中的命令。

command-denied = 你没有权限使用 { $command }。
command-misused =
    { $problem }
    用法：{ $usage }
command-group =
    { $command } 需要下列命令之一：
    { $commands }
argument-missing = 缺少参数“{ $name }”。
argument-wrong = 参数“{ $name }”不能是“{ $given }”。
argument-too-much = “{ $given }”是多余的。
option-unknown = 没有选项“--{ $name }”。
plugin-failed = 插件“{ $plugin }”出错：{ $reason }
plugin-broke = 插件“{ $plugin }”出错，详情见日志。

## 网关自带的命令。

help-list =
    Firstlight { $version } 命令列表
    { $commands }
help-unknown = 这里没有你可以使用的命令“{ $command }”。
session-ids =
    会话：{ $session }
    用户：{ $user }
session-place =
    平台：{ $platform }
    类型：{ $kind }
session-group = 群组：{ $group }
session-name = 本会话的名称是“{ $name }”。
session-named = 本会话现在的名称是“{ $name }”。
session-unnamed = 本会话没有名称。
conversation-new = 新的对话开始了。
conversation-reset = 本对话的内容已清空。
conversation-none = 这里还没有对话。
answer-ended = 已停止。
conversation-tokens =
    本对话的 token：{ $total }
    输入：{ $input }，缓存：{ $cached }，输出：{ $output }
provider-list =
    模型：
    { $providers }
    用序号或 id 选择。
provider-chosen = 本会话现在使用“{ $provider }”。
provider-unknown = 没有可用的模型“{ $provider }”。
variable-set = 变量“{ $name }”已设置。
variable-unset = 变量“{ $name }”已删除。
variable-unknown = 没有变量“{ $name }”。
mention-prompt = 有人叫了你，但没有说别的。请用一句简短友好的话问对方需要什么。

## 安装插件。

plugin-for-other-versions = 插件与当前版本不兼容：{ $reason }。你仍可继续安装。
plugin-asks = { $plugin } 请求以下权限：{ $capabilities }。请选择要授予的权限后再安装。
plugin-asks-for-more = { $plugin } 请求的权限多于已授予的权限：{ $capabilities }。
plugin-updated = { $plugin } 已更新到版本 { $version }。
plugin-proxy-ignored = 未使用请求中的代理：以网关自身的设置为准。
