/** What the most used passwords of every leak are made of. With digits and signs around them they are as easy to guess. */
const WORDS = `
password passwort passwd pass passe motdepasse contrasena wachtwoord haslo parola senha salasana losenord kennwort geheim secret
admin administrator root user guest test demo default login welcome willkommen hello hallo hola letmein letme open sesame opensesame
qwerty qwertz azerty asdf asdfgh zxcvbn zxcvbnm qwertyuiop asdfghjkl qazwsx wsx edc abc abcd abcde abcdef aaaaaa iloveyou love loveme loveyou
you me i my your the is a in monkey dragon master shadow sunshine princess prinzessin football fussball baseball basketball soccer hockey
superman batman spiderman pokemon naruto starwars matrix trustno trustnoone trustnobody one two nobody michael jordan jennifer jessica
daniel thomas andrea andreas charlie robert matthew joshua ashley nicole hunter killer ranger buster tigger pepper ginger cookie
summer winter spring autumn sommer herbst fruehling january february march april may june july august september october november december
monday tuesday wednesday thursday friday saturday sunday computer internet server system windows linux debian ubuntu proxmox
vmware esxi drover cluster virtual machine backup network cisco changeme change changeit please bitte temp temporary new old
company firma office work home house family mother father mama papa baby angel flower freedom whatever blink diamond silver gold golden
black white red blue green orange purple mercedes ferrari porsche corvette mustang harley yamaha honda london paris berlin hamburg
muenchen america england germany deutschland france canada chelsea arsenal liverpool barcelona realmadrid bayern schalke
chocolate banana apple cheese coffee pizza purple rainbow butterfly forever friends friend lovely happy lucky money google facebook
amazon twitter samsung nokia iphone android access super god jesus christ heaven hell fuck fuckyou shit bitch sexy hot girl boy man
words phrase passphrase key keys code codes lock safe secure security zaq xsw cde qaz xyz
correcthorsebatterystaple correct horse battery staple
`;

export const COMMON_WORDS: ReadonlySet<string> = new Set(WORDS.trim().split(/\s+/));
